// Statements of models, `given` blocks and the top level; blocks; the whole script.
#include <memory>
#include <tuple>
#include <utility>
#include <variant>

#include "lang/parse/grammar.h"

namespace hearsay::parse {
namespace {

using namespace hearsay::ast;
using hearsay::parse::name;

constexpr auto set_range = [](auto& context) {
  ParseState& state = state_of(context);
  std::tie(x3::_val(context).low, x3::_val(context).high) =
      take_range(state, x3::_where(context).begin(), std::move(x3::_attr(context)));
};

constexpr x3::rule<struct BindersId, std::vector<Binder>> binders{"indices in brackets: `[i in 1..N]`"};
constexpr auto binders_def = enclosed("[", required_list_of(binder[add_to_list]), "]");

constexpr x3::rule<struct LetId, LetStmt> let_stmt{"`let`"};
constexpr auto let_stmt_def = word("let") > named("a name", name[set(&LetStmt::name)]) >
                              -binders[set(&LetStmt::binders)] > -(mark(":") > type[set(&LetStmt::type)]) >
                              mark("=") > expr[set(&LetStmt::value)] > end_of_statement;

constexpr x3::rule<struct GenerateId, GenerateStmt> generate_stmt{"`generate`"};
constexpr auto generate_stmt_def = declarator("generate") > name[set(&GenerateStmt::name)] >
                                   -binders[set(&GenerateStmt::binders)] >
                                   mark("=") > expr[set(&GenerateStmt::value)] > end_of_statement;

constexpr x3::rule<struct EventId, EventDecl> event_decl{"`event`"};
constexpr auto event_decl_def = declarator("event") > name[set(&EventDecl::name)] >
                                mark("=") > expr[set(&EventDecl::value)] > end_of_statement;

constexpr x3::rule<struct FactorId, FactorStmt> factor_stmt{"`factor`"};
constexpr auto factor_stmt_def = verb("factor") > expr[set(&FactorStmt::value)] > end_of_statement;

constexpr x3::rule<struct PrintId, PrintStmt> print_stmt{"`print`"};
constexpr auto print_stmt_def = verb("print") > required_list_of(expr[add(&PrintStmt::values)]) > end_of_statement;

constexpr x3::rule<struct ExpectId, ExpectStmt> expect_stmt{"`expect`"};
constexpr auto expect_stmt_def = verb("expect") > expr[set(&ExpectStmt::condition)] > end_of_statement;

constexpr x3::rule<struct PlotId, PlotStmt> plot_stmt{"`plot`"};
constexpr auto plot_stmt_def = verb("plot") > required_list_of(expr[add(&PlotStmt::values)]) >
                               -(mark("|") > required_list_of(expr[add(&PlotStmt::given)])) > end_of_statement;

constexpr x3::rule<struct ExportId, ExportStmt> export_stmt{"`export`"};
constexpr auto export_stmt_def = verb("export") > expr[set(&ExportStmt::value)] >
                                 word("to") > expr[set(&ExportStmt::path)] > end_of_statement;

constexpr x3::rule<struct ReportId, ReportStmt> report_stmt{"`report`"};
constexpr auto report_stmt_def = verb("report") > expr[set(&ReportStmt::value)] >
                                 word("to") > expr[set(&ReportStmt::path)] > end_of_statement;

constexpr x3::rule<struct CalibrateId, CalibrateStmt> calibrate_stmt{"`calibrate`"};
constexpr auto calibrate_stmt_def = declarator("calibrate") > word("source") > name[set(&CalibrateStmt::source)] >
                                    word("on") > expr[set(&CalibrateStmt::data)] > end_of_statement;

constexpr x3::rule<struct CheckId, CheckStmt> check_stmt{"`check`"};
constexpr auto check_stmt_def = declarator("check") > name[set(&CheckStmt::map)] > word("up") >
                                word("to") > expr[set(&CheckStmt::tokens)] >
                                named("`tokens` behind their number", word("tokens") | word("token")) >
                                -(word("within") > expr[set(&CheckStmt::within)] >
                                  named("`nats` behind the tolerance", word("nats"))) > end_of_statement;

// ---------------------------------------------------------------- evidence

constexpr x3::rule<struct ObserveId, ObserveStmt> observe_stmt{"`observe`"};
constexpr auto observe_stmt_def = word("observe") > expr[set(&ObserveStmt::subject)] >
                                  -(mark("~") > dist[set(&ObserveStmt::dist)]) > end_of_statement;

constexpr auto form(StrengthForm f) { return set_to(&Strength::form, f); }
constexpr auto plain(const char* w, StrengthForm f) { return word(w)[form(f)] > expr[set(&Strength::value)]; }

constexpr x3::rule<struct StrengthId, Strength> strength{"a strength, such as `odds 2`"};
constexpr auto strength_def =
    spanned(plain("odds", StrengthForm::odds) | plain("nats", StrengthForm::nats) | plain("to", StrengthForm::jeffrey) |
            plain("decibans", StrengthForm::decibans) | plain("channel", StrengthForm::channel) |
            plain("likelihoods", StrengthForm::likelihoods) |
            (plain("confidence", StrengthForm::confidence) > word("base") > expr[set(&Strength::extra)]) |
            (plain("robust", StrengthForm::robust) > word("weight") > expr[set(&Strength::extra)]) |
            (plain("weight", StrengthForm::weight) >
             -(word("within")[form(StrengthForm::weight_within)] > expr[set(&Strength::extra)] >
               named("`nats` behind the bound", word("nats")) > -(word("around") > expr[set(&Strength::reference)]))));

constexpr auto soft_observe = span_of(word("soft") > word("observe"));

constexpr x3::rule<struct TargetId, JointlyStmt::Target> target{"a target, such as `A to 0.7;`"};
constexpr auto target_def = expr[set(&JointlyStmt::Target::subject)] >
                            word("to") > expr[set(&JointlyStmt::Target::value)] > end_of_statement;

constexpr x3::rule<struct JointlyId, JointlyStmt> jointly_stmt{"`soft observe jointly`"};
constexpr auto jointly_stmt_def = (soft_observe[set(&JointlyStmt::keyword_span)] >> word("jointly") >> &mark("{")) >
                                  block_of("a target, such as `A to 0.7;`", target[add(&JointlyStmt::targets)]) >
                                  -(word("from") > name[set(&JointlyStmt::source)]) > end_of_statement;

constexpr auto want_strength = [](auto& context) {
  const SoftObserveStmt& soft = x3::_val(context);
  if (soft.strength.form != StrengthForm::by_schedule || soft.source) return;
  ParseState& state = state_of(context);
  const Iterator at = x3::_where(context).begin();
  if (at == state.end() || *at != ';') return;  // then another message says what is wrong
  state.report(
      diagnose<DiagnosticKind::missing_strength>(state.span(at, at + 1), state.describe(at))
          .with_help("soft evidence says how strong it is: `odds 2`, `nats 0.7`, `to 0.8`, …; what is certain is "
                     "stated by `observe`"));
};
constexpr x3::rule<struct SoftId, SoftObserveStmt> soft_stmt{"`soft observe`"};
constexpr auto soft_stmt_def =
    soft_observe[set(&SoftObserveStmt::keyword_span)] > expr[set(&SoftObserveStmt::subject)] >
    -(mark("~") > dist[set(&SoftObserveStmt::dist)]) > -strength[set(&SoftObserveStmt::strength)] >
    *((word("from") > named("a name of a source", name[set_once(&SoftObserveStmt::source, "from")])) |
      (word("share") > expr[set_once(&SoftObserveStmt::share, "share")])) > x3::eps[want_strength] > end_of_statement;

// ---------------------------------------------------------------- blocks

constexpr x3::rule<struct ForId, ForStmt> for_stmt{"`for`"};
constexpr auto for_stmt_def = word("for") > name[set(&ForStmt::index)] > word("in") > infix[set_range] >
                              named("`{` and the statements of the loop", block[set(&ForStmt::body)]);

// `if c { … } else { … }` and the expression `if c then a else b;` begin alike: decided behind the condition.
constexpr auto if_condition = [](auto& context) { x3::_val(context) = IfStmt{std::move(x3::_attr(context)), {}, {}}; };
constexpr auto if_then_value = [](auto& context) {
  Conditional choice{std::move(std::get<IfStmt>(x3::_val(context)).condition), std::move(x3::_attr(context)), nullptr};
  ExprStmt stmt{std::make_unique<Expr>()};
  stmt.value->span = state_of(context).last_token();
  stmt.value->node = std::move(choice);
  x3::_val(context) = std::move(stmt);
};
constexpr auto if_else_value = [](auto& context) {
  Expr& value = *std::get<ExprStmt>(x3::_val(context)).value;
  auto& choice = std::get<Conditional>(value.node);
  choice.else_value = std::move(x3::_attr(context));
  value.span = join(choice.condition->span, choice.else_value->span);
};
constexpr auto if_then_body = [](auto& context) {
  std::get<IfStmt>(x3::_val(context)).then_body = std::move(x3::_attr(context));
};
constexpr auto if_else_body = [](auto& context) {
  std::get<IfStmt>(x3::_val(context)).else_body = std::move(x3::_attr(context));
};
constexpr auto if_else_if = [](auto& context) {
  std::get<IfStmt>(x3::_val(context)).else_body.push_back(std::move(x3::_attr(context)));
};
constexpr x3::rule<struct IfId, StmtNode> if_stmt{"`if`"};
constexpr x3::rule<struct ElseIfId, StmtPtr> else_if{"`if`"};
constexpr auto else_if_def = nested(as_stmt(if_stmt)[put]);
constexpr auto if_branches = block[if_then_body] >> -(word("else") > named("`{` or `if` after `else`",
                                                                           else_if[if_else_if] | block[if_else_body]));
constexpr auto if_choice = word("then") > expr[if_then_value] > word("else") > expr[if_else_value] > end_of_statement;
constexpr auto if_stmt_def = word("if") > expr[if_condition] >
                             named("`{` and the statements of this branch", if_choice | if_branches);

// ---------------------------------------------------------------- statements that begin with an expression

constexpr auto put_expression = [](auto& context) {
  refuse_arrow(state_of(context), x3::_where(context).begin(), *x3::_attr(context));
  x3::_val(context) = ExprStmt{std::move(x3::_attr(context))};
};
constexpr auto put_sample = [](auto& context) {
  StmtNode& value = x3::_val(context);
  ExprPtr subject = std::move(std::get<ExprStmt>(value).value);
  value =
      build_sample(state_of(context), x3::_where(context).begin(), std::move(subject), std::move(x3::_attr(context)));
};
constexpr x3::rule<struct SubjectId, StmtNode> subject_stmt{"a statement"};
constexpr auto subject_stmt_def = expr[put_expression] > -(mark("~") > dist[put_sample]) > end_of_statement;

constexpr auto statement_def = as_stmt(let_stmt)[put] | as_stmt(jointly_stmt)[put] | as_stmt(soft_stmt)[put] |
                               as_stmt(observe_stmt)[put] | as_stmt(for_stmt)[put] | as_stmt(if_stmt)[put] |
                               declaration[put] | as_stmt(print_stmt)[put] | as_stmt(expect_stmt)[put] |
                               as_stmt(factor_stmt)[put] | as_stmt(generate_stmt)[put] | as_stmt(event_decl)[put] |
                               as_stmt(check_stmt)[put] | as_stmt(plot_stmt)[put] | as_stmt(export_stmt)[put] |
                               as_stmt(report_stmt)[put] | as_stmt(calibrate_stmt)[put] | as_stmt(subject_stmt)[put];

constexpr Recovering<decltype(statement[add_to_list])> recovering_statement{"a statement", statement[add_to_list]};

BOOST_SPIRIT_DEFINE(binders, let_stmt, generate_stmt, event_decl, factor_stmt, print_stmt, expect_stmt, plot_stmt)
BOOST_SPIRIT_DEFINE(export_stmt, report_stmt, calibrate_stmt, check_stmt, observe_stmt, strength, target, jointly_stmt)
BOOST_SPIRIT_DEFINE(soft_stmt, for_stmt, if_stmt, else_if, subject_stmt)

}  // namespace

constexpr auto block_def = nested(block_of("a statement", statement[add_to_list]));
constexpr Items<decltype(recovering_statement)> script_def{recovering_statement, true};

BOOST_SPIRIT_DEFINE(statement, block, script)

BOOST_SPIRIT_INSTANTIATE(StatementRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(BlockRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(ScriptRule, Iterator, Context)

}  // namespace hearsay::parse
