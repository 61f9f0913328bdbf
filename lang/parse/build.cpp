#include "lang/parse/build.h"

#include <cstddef>
#include <string_view>
#include <tuple>
#include <variant>

namespace hearsay::parse {
namespace {

enum Precedence : int { lowest, by_or, by_and, by_not, by_comparison, by_range, by_sum, by_product, by_sign, by_power };

int precedence(Operator op) {
  switch (op) {
    case Operator::logical_or:
      return by_or;
    case Operator::logical_and:
      return by_and;
    case Operator::logical_not:
      return by_not;
    case Operator::equal:
    case Operator::not_equal:
    case Operator::less:
    case Operator::less_equal:
    case Operator::greater:
    case Operator::greater_equal:
    case Operator::in:
      return by_comparison;
    case Operator::range:
      return by_range;
    case Operator::add:
    case Operator::subtract:
      return by_sum;
    case Operator::multiply:
    case Operator::divide:
    case Operator::modulo:
    case Operator::matmul:
      return by_product;
    case Operator::negate:
      return by_sign;
    case Operator::power:
      return by_power;
  }
  return lowest;
}

struct Spelling {
  std::string_view mark;
  Operator op;
};
constexpr Spelling infix_marks[] = {
    {"+", Operator::add},
    {"-", Operator::subtract},
    {"*", Operator::multiply},
    {"/", Operator::divide},
    {"%", Operator::modulo},
    {"@", Operator::matmul},
    {"^", Operator::power},
    {"==", Operator::equal},
    {"!=", Operator::not_equal},
    {"<", Operator::less},
    {"<=", Operator::less_equal},
    {">", Operator::greater},
    {">=", Operator::greater_equal},
    {"&&", Operator::logical_and},
    {"||", Operator::logical_or},
    {"..", Operator::range},
};
constexpr Spelling infix_words[] = {{"in", Operator::in}, {"and", Operator::logical_and}, {"or", Operator::logical_or}};

ast::ExprPtr make(SourceSpan span, ExprNode node) {
  return std::make_unique<ast::Expr>(ast::Expr{span, std::move(node)});
}

class Climber {
public:
  Climber(ParseState& state, Chain chain) : state_(state), chain_(std::move(chain)) {}

  ast::ExprPtr climb(int least) {
    ast::ExprPtr left = operand();
    while (next_ < chain_.items.size()) {
      const OperatorToken token = chain_.items[next_].op;
      const int level = precedence(token.op);
      if (level < least) break;
      ++next_;
      // A power binds tighter than a sign on its left and looser than one on its right: -a^-b is -(a^(-b)).
      ast::ExprPtr right = climb(token.op == Operator::power ? by_sign : level + 1);
      left = combine(token, std::move(left), std::move(right));
      if (level == by_comparison || level == by_range) refuse_chain(level);
    }
    return left;
  }

private:
  ast::ExprPtr operand() {
    Chain::Item& item = chain_.items[next_++];
    if (item.operand) return std::move(item.operand);
    const OperatorToken token = item.op;
    ast::ExprPtr inner = climb(precedence(token.op));
    const SourceSpan span = join(token.span, inner->span);
    return make(span, ast::Unary{token.op == Operator::negate ? ast::UnaryOp::negate : ast::UnaryOp::logical_not,
                                 std::move(inner)});
  }

  static ast::ExprPtr combine(const OperatorToken& token, ast::ExprPtr left, ast::ExprPtr right) {
    const SourceSpan span = join(left->span, right->span);
    if (token.op == Operator::range) return make(span, ast::Range{std::move(left), std::move(right)});
    static_assert(static_cast<int>(Operator::logical_or) == static_cast<int>(ast::BinaryOp::logical_or));
    const auto op = static_cast<ast::BinaryOp>(token.op);
    return make(span, ast::Binary{op, token.span, std::move(left), std::move(right)});
  }

  void refuse_chain(int level) {
    if (next_ == chain_.items.size()) return;
    const OperatorToken& token = chain_.items[next_].op;
    if (precedence(token.op) != level || reported_) return;
    reported_ = true;
    const SourceSpan at = token.span;
    std::string_view text{state_.begin() + at.begin, at.end - at.begin};
    state_.report(diagnose<DiagnosticKind::chained_comparison>(at, text).with_help(
        level == by_range ? "a range has two ends: `1..N`" : "join two comparisons by `&&`: `a < b && b < c`"));
  }

  ParseState& state_;
  Chain chain_;
  std::size_t next_ = 0;
  bool reported_ = false;
};

}  // namespace

bool take_infix(ParseState& state, Iterator& first, OperatorToken& token) {
  const std::string_view mark = state.mark_at(first);
  if (mark.empty()) {
    for (const Spelling& s : infix_words) {
      if (!state.take_word(first, s.mark)) continue;
      token = {s.op, state.last_token()};
      return true;
    }
    return false;
  }
  for (const Spelling& s : infix_marks) {
    if (s.mark != mark) continue;
    state.take_mark(first, mark);
    token = {s.op, state.last_token()};
    return true;
  }
  return false;
}

bool take_prefix(ParseState& state, Iterator& first, OperatorToken& token) {
  if (state.take_mark(first, "-")) {
    token = {Operator::negate, state.last_token()};
  } else if (state.take_mark(first, "!") || state.take_word(first, "not")) {
    token = {Operator::logical_not, state.last_token()};
  } else {
    return false;
  }
  return true;
}

ast::ExprPtr build_tree(ParseState& state, Chain chain) {
  if (chain.items.size() == 1) return std::move(chain.items[0].operand);
  return Climber(state, std::move(chain)).climb(lowest);
}

std::pair<ast::ExprPtr, ast::ExprPtr> take_range(ParseState& state, Iterator where, ast::ExprPtr e) {
  auto* range = std::get_if<ast::Range>(&e->node);
  if (range == nullptr) {
    state.report(diagnose<DiagnosticKind::not_a_range>(e->span).with_help("an index runs over a range: `i in 1..N`"));
    throw Reported(where);
  }
  return {std::move(range->low), std::move(range->high)};
}

StmtNode build_sample(ParseState& state, Iterator where, ast::ExprPtr subject, ast::DistExpr dist) {
  const auto refuse = [&](SourceSpan span, const char* help) {
    state.report(diagnose<DiagnosticKind::not_a_latent>(span).with_help(help));
    throw Reported(where);
  };
  constexpr auto observe_help = "what is known is stated by `observe expression ~ distribution;`";
  auto* index = std::get_if<ast::Index>(&subject->node);
  const ast::Expr& base = index != nullptr ? *index->base : *subject;
  const auto* head = std::get_if<ast::NameRef>(&base.node);
  if (head == nullptr) refuse(subject->span, observe_help);

  if (head->text == "emit") {
    ast::EmitStmt emit{base.span, std::nullopt, std::move(dist)};
    if (index != nullptr) {
      const auto* t = std::get_if<ast::NameRef>(&index->arguments[0]->node);
      if (t == nullptr || index->arguments.size() != 1) {
        refuse(subject->span,
               "a token of a stream is drawn by `emit ~ D;` or, with a name for its position, `emit[t] ~ D;`");
      }
      emit.index = ast::Name{t->text, index->arguments[0]->span};
    }
    return emit;
  }

  ast::SampleStmt sample{{head->text, base.span}, {}, std::move(dist)};
  if (index == nullptr) return sample;
  for (ast::ExprPtr& argument : index->arguments) {
    ast::PlateDim dim;
    auto* binary = std::get_if<ast::Binary>(&argument->node);
    if (binary != nullptr && binary->op == ast::BinaryOp::in) {
      const auto* i = std::get_if<ast::NameRef>(&binary->left->node);
      if (i == nullptr) refuse(binary->left->span, "an index is a name: `x[i in 1..N] ~ …`");
      dim.index = ast::Name{i->text, binary->left->span};
      std::tie(dim.low, dim.high) = take_range(state, where, std::move(binary->right));
    } else if (std::holds_alternative<ast::Range>(argument->node)) {
      refuse(argument->span, "write a size, `x[N] ~ …`, or an index, `x[i in 1..N] ~ …`");
    } else {
      dim.high = std::move(argument);
    }
    sample.dims.push_back(std::move(dim));
  }
  return sample;
}

void refuse_arrow(ParseState& state, Iterator where, const ast::Expr& e) {
  const auto* comparison = std::get_if<ast::Binary>(&e.node);
  if (comparison == nullptr || comparison->op != ast::BinaryOp::less) return;
  const SourceSpan op = comparison->op_span;
  if (state.begin()[op.end] != '-') return;
  state.report(
      diagnose<DiagnosticKind::foreign_syntax>({op.file, op.begin, op.end + 1}, "<-")
          .with_help("a latent is drawn by `name ~ distribution;`, a value defined by `let name = expression;`; a "
                     "comparison with a negative number is written `a < -b`"));
  throw Reported(where);
}

void check_distribution(ParseState& state, const ast::Expr& e) {
  if (std::holds_alternative<ast::Call>(e.node) || std::holds_alternative<ast::Conditional>(e.node)) return;
  Diagnostic d = diagnose<DiagnosticKind::not_a_distribution>(e.span);
  if (const auto* ref = std::get_if<ast::NameRef>(&e.node)) {
    d.help = fmt::format("a distribution has its arguments in parentheses: `{}(…)`", ref->text);
  } else if (std::holds_alternative<ast::Number>(e.node) || std::holds_alternative<ast::Boolean>(e.node)) {
    d.help = "a fixed value is written `point(v)`, or defined by `let x = v;`";
  }
  state.report(std::move(d));
}

}  // namespace hearsay::parse
