// Expressions. Left-factored throughout: `[` may begin an array or a comprehension and `{` a set or a map of labels,
// and trying one after the other would take exponential time on nested ones.
#include <memory>
#include <tuple>
#include <utility>
#include <variant>

#include "lang/parse/grammar.h"

namespace hearsay::parse {
namespace {

// ---------------------------------------------------------------- operators

template <bool (*Take)(ParseState&, Iterator&, OperatorToken&)>
struct OperatorParser : x3::parser<OperatorParser<Take>> {
  using attribute_type = OperatorToken;
  static constexpr bool has_attribute = true;

  template <class Ctx, class RCtx>
  bool parse(Iterator& first, const Iterator&, const Ctx& context, RCtx&, OperatorToken& token) const {
    return Take(state_of(context), first, token);
  }
};
constexpr OperatorParser<take_infix> infix_operator;
constexpr OperatorParser<take_prefix> prefix_operator;

constexpr auto add_operand = [](auto& context) {
  x3::_val(context).items.push_back({std::move(x3::_attr(context)), {}});
};
constexpr auto add_operator = [](auto& context) {
  Chain& chain = x3::_val(context);
  chain.items.push_back({nullptr, x3::_attr(context)});
  ++chain.operators;
  ParseState& state = state_of(context);
  state.check_height(chain.operators, state.begin() + x3::_attr(context).span.begin);
};

constexpr Rule<struct ChainId, Chain> chain{"an expression"};
constexpr auto operand = *prefix_operator[add_operator] >> postfix[add_operand];
constexpr auto chain_def = operand >>
                           *(infix_operator[add_operator] > named("an expression after this operator", operand));

constexpr auto build_infix = [](auto& context) {
  // However the chain is bracketed, it is no taller than its tallest operand and all its operators.
  state_of(context).height += x3::_attr(context).operators;
  x3::_val(context) = build_tree(state_of(context), std::move(x3::_attr(context)));
};
constexpr auto infix_def = measured(chain[build_infix]);

// ---------------------------------------------------------------- operands

constexpr Rule<struct BooleanId, ast::Boolean> boolean{"`true` or `false`"};
constexpr auto boolean_def =
    word("true")[set_to(&ast::Boolean::value, true)] | word("false")[set_to(&ast::Boolean::value, false)];

constexpr Rule<struct ArgumentNameId, ast::Name> argument_name{"a name"};
constexpr auto argument_name_def = name[put] >> mark(":");

constexpr Rule<struct ArgumentId, ast::Argument> argument{"an argument"};
constexpr auto argument_def =
    (argument_name[set(&ast::Argument::name)] > expr[set(&ast::Argument::value)]) | expr[set(&ast::Argument::value)];

constexpr auto arguments_def = enclosed("(", -list_of(argument[add_to_list]), ")");

constexpr Rule<struct CallTailId, ast::Call> call_tail{"arguments in parentheses"};
constexpr auto call_tail_def =
    enclosed("(",
             -(list_of(argument[add(&ast::Call::arguments)]) >>
               -(mark("|")[set_to(&ast::Call::has_bar, true)] > required_list_of(expr[add(&ast::Call::given)]))),
             ")");

constexpr auto make_reference = [](auto& context) {
  const ast::Name& name = x3::_attr(context);
  x3::_val(context) = std::make_unique<ast::Expr>(ast::Expr{name.span, ast::NameRef{name.text}});
};
constexpr auto make_call = [](auto& context) {
  ast::ExprPtr& value = x3::_val(context);
  ast::Call& call = x3::_attr(context);
  call.callee = {std::move(std::get<ast::NameRef>(value->node).text), value->span};
  const SourceSpan span = join(value->span, state_of(context).last_token());
  value = std::make_unique<ast::Expr>(ast::Expr{span, std::move(call)});
};
constexpr Rule<struct ReferenceId, ast::ExprPtr> reference{"a name"};
constexpr auto reference_def = name[make_reference] >> -call_tail[make_call];

// `[a, b]`, or with `for` behind the first element `[a for i in 1..N]`.
constexpr auto first_element = [](auto& context) {
  ast::Array array;
  array.elements.push_back(std::move(x3::_attr(context)));
  x3::_val(context) = std::move(array);
};
constexpr auto next_element = [](auto& context) {
  std::get<ast::Array>(x3::_val(context)).elements.push_back(std::move(x3::_attr(context)));
};
constexpr auto add_binder = [](auto& context) {
  ExprNode& value = x3::_val(context);
  if (auto* array = std::get_if<ast::Array>(&value)) {
    ast::ExprPtr body = std::move(array->elements[0]);
    value = ast::Comprehension{std::move(body), {}};
  }
  std::get<ast::Comprehension>(value).binders.push_back(std::move(x3::_attr(context)));
};
constexpr auto empty_array = [](auto& context) { x3::_val(context) = ast::Array{}; };
constexpr Rule<struct BracketId, ExprNode> bracket{"an array"};
constexpr auto bracket_def = enclosed("[",
                                      (expr[first_element] >> ((word("for") > required_list_of(binder[add_binder])) |
                                                               *(mark(",") > expr[next_element]))) |
                                          x3::eps[empty_array],
                                      "]");

constexpr auto set_range = [](auto& context) {
  ParseState& state = state_of(context);
  std::tie(x3::_val(context).low, x3::_val(context).high) =
      take_range(state, x3::_where(context).begin(), std::move(x3::_attr(context)));
};
constexpr auto binder_def = name[set(&ast::Binder::index)] > word("in") > infix[set_range];

// `{a, b}`, or with `:` behind the first label `{a: 1, b: 2}`.
constexpr Rule<struct EntryId, ast::LabelMap::Entry> entry{"a label with its value, such as `a: 0.5`"};
constexpr auto entry_def = label[set(&ast::LabelMap::Entry::label)] >
                           mark(":") > expr[set(&ast::LabelMap::Entry::value)];

constexpr Rule<struct LabelMapId, ast::LabelMap> label_map{"a map of labels"};
constexpr auto label_map_def = &(label >> mark(":")) >> list_of(entry[add(&ast::LabelMap::entries)]);

constexpr Rule<struct SetId, ast::Set> set_body{"a set"};
constexpr auto set_body_def = list_of(expr[add(&ast::Set::elements)]) | x3::eps[([](auto&) {})];

constexpr Rule<struct BraceId, ExprNode> brace{"a set"};
constexpr auto brace_def = enclosed("{", label_map[put] | set_body[put], "}");

// The parentheses belong to the span of what they hold.
constexpr Rule<struct ParenId, ast::ExprPtr> paren{"an expression in parentheses"};
constexpr auto paren_def = spanned(enclosed("(", required(expr[put]), ")"));

constexpr Rule<struct PrimaryId, ast::ExprPtr> primary{"an expression"};
constexpr auto primary_def = reference[put] | as_expr(number)[put] | paren[put] | as_expr(bracket)[put] |
                             as_expr(brace)[put] | as_expr(string)[put] | as_expr(boolean)[put];

constexpr auto wrap_index = [](auto& context) {
  ParseState& state = state_of(context);
  ast::ExprPtr& base = x3::_val(context);
  const SourceSpan span = join(base->span, state.last_token());
  base = std::make_unique<ast::Expr>(ast::Expr{span, ast::Index{std::move(base), std::move(x3::_attr(context))}});
  ++state.height;
  state.check_height(state.height, state.begin() + span.begin);
};
constexpr auto wrap_field = [](auto& context) {
  ParseState& state = state_of(context);
  ast::ExprPtr& base = x3::_val(context);
  const SourceSpan span = join(base->span, state.last_token());
  base = std::make_unique<ast::Expr>(ast::Expr{span, ast::Field{std::move(base), std::move(x3::_attr(context))}});
  ++state.height;
  state.check_height(state.height, state.begin() + span.begin);
};
constexpr Rule<struct IndexId, std::vector<ast::ExprPtr>> index{"indices in brackets"};
constexpr auto index_def = enclosed("[", required_list_of(expr[add_to_list]), "]");

constexpr auto postfix_def =
    measured(primary[put] >> *(index[wrap_index] | (mark(".") > named("the name of a field", any_word)[wrap_field])));

// ---------------------------------------------------------------- whole expressions

constexpr Rule<struct ConditionalId, ast::Conditional> conditional{"`if`"};
constexpr auto conditional_def = word("if") > expr[set(&ast::Conditional::condition)] >
                                 word("then") > expr[set(&ast::Conditional::then_value)] >
                                 word("else") > expr[set(&ast::Conditional::else_value)];

constexpr Rule<struct EngineId, ast::Call> engine{"an engine, such as `nuts(chains: 4)`"};
constexpr auto engine_def = name[set(&ast::Call::callee)] >> -arguments[set(&ast::Call::arguments)];

constexpr Rule<struct InferId, ast::Infer> infer{"`infer`"};
constexpr auto infer_def = word("infer") > named("a name of a model", name[set(&ast::Infer::model)]) >
                           -arguments[set(&ast::Infer::arguments)] > -(word("given") > block[set(&ast::Infer::given)]) >
                           -(word("using") > as_expr(engine)[set(&ast::Infer::engine)]);

constexpr auto until_spent = [](auto& context) { x3::_val(context).kind = {"until_spent", x3::_attr(context)}; };
constexpr auto schedule_def =
    (span_of(word("until") >> word("spent"))[until_spent] | name[set(&ast::Schedule::kind)]) >>
    -arguments[set(&ast::Schedule::arguments)];

using ast::Teach;
constexpr auto through = word("through") > name[set_once(&Teach::through, "through")];
constexpr auto teach_clause =
    (word("budget") > expr[set_once(&Teach::budget, "budget")] > word("nats") > end_of_statement) |
    (word("schedule") > schedule[set_once(&Teach::schedule, "schedule")] > end_of_statement) |
    (word("labels") > expr[set_once(&Teach::labels, "labels")] > end_of_statement) |
    (word("share") > expr[set_once(&Teach::share, "share")] > end_of_statement) |
    (word("odds") > expr[set_once(&Teach::odds, "odds")] > end_of_statement) |
    (word("via") > name[set_once(&Teach::via, "via")] > end_of_statement) | (through > end_of_statement) |
    (word("forever") > word("within") > expr[set_once(&Teach::forever_within, "forever")] > word("nats") >
     end_of_statement) |
    (word("given") > block[set(&Teach::given)]);
constexpr Rule<struct TeachId, Teach> teach{"`teach`"};
constexpr auto teach_def = word("teach") > named("a name of the student's model", name[set(&Teach::student)]) >
                           -arguments[set(&Teach::student_arguments)] > word("from") >
                           named("a name of the teacher's model", name[set(&Teach::teacher)]) >
                           -arguments[set(&Teach::teacher_arguments)] > -through >
                           block_of("a clause such as `budget 3 nats;` or `labels 1000;`", teach_clause) >
                           -(word("using") > as_expr(engine)[set(&Teach::engine)]);

constexpr auto expr_def = nested(infix[put] | as_expr(conditional)[put] | as_expr(infer)[put] | as_expr(teach)[put]);

BOOST_SPIRIT_DEFINE(chain, boolean, argument_name, argument, call_tail, reference, bracket, entry, label_map, set_body)
BOOST_SPIRIT_DEFINE(brace, paren, primary, index, conditional, engine, infer, teach)

}  // namespace

BOOST_SPIRIT_DEFINE(expr, infix, postfix, arguments, binder, schedule)

BOOST_SPIRIT_INSTANTIATE(ExprRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(ChainRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(PostfixRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(ArgumentsRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(BinderRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(ScheduleRule, Iterator, Context)

}  // namespace hearsay::parse
