// Types, distributions behind `~`, and the declarations of the top level.
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "lang/parse/grammar.h"

namespace hearsay::parse {
namespace {

using namespace hearsay::ast;
using hearsay::parse::name;  // the terminal, not ast::Name

// ---------------------------------------------------------------- types and distributions

constexpr auto bounds_def =
    spanned(((mark("(")[set_to(&Bounds::low_open, true)] | mark("[")) > expr[set(&Bounds::low)] > mark(",") >
             expr[set(&Bounds::high)] >
             named("`)` or `]` to end the interval", mark(")")[set_to(&Bounds::high_open, true)] | mark("]"))) |
            infix[set(&Bounds::elements)]);

constexpr x3::rule<struct DimsId, std::vector<ExprPtr>> dims{"sizes in brackets"};
constexpr auto dims_def = enclosed("[", required_list_of(expr[add_to_list]), "]");

constexpr auto type_def = spanned(name[set(&TypeExpr::base)] >> -dims[set(&TypeExpr::dims)] >>
                                  -(word("in") > bounds[set(&TypeExpr::bounds)]));

constexpr x3::rule<struct DistOperandId, ExprPtr> dist_operand{"a distribution"};
constexpr x3::rule<struct DistChoiceId, Conditional> dist_choice{"`if`"};
constexpr auto dist_choice_def = word("if") > expr[set(&Conditional::condition)] >
                                 word("then") > dist_operand[set(&Conditional::then_value)] >
                                 -(word("in") > bounds[set(&Conditional::then_range)]) >
                                 word("else") > dist_operand[set(&Conditional::else_value)];
constexpr auto put_dist = [](auto& context) {
  check_distribution(state_of(context), *x3::_attr(context));
  x3::_val(context) = std::move(x3::_attr(context));
};
constexpr auto dist_operand_def = nested(as_expr(dist_choice)[put] | postfix[put_dist]);

constexpr auto dist_def = dist_operand[set(&DistExpr::distribution)] >>
                          -(word("in") > bounds[set(&DistExpr::truncation)]);

// ---------------------------------------------------------------- declarations

constexpr x3::rule<struct ParameterId, Parameter> parameter{"a parameter, such as `n: int`"};
constexpr auto parameter_def = name[set(&Parameter::name)] > mark(":") > type[set(&Parameter::type)];
constexpr x3::rule<struct ParametersId, std::vector<Parameter>> parameters{"parameters in parentheses"};
constexpr auto parameters_def = enclosed("(", -list_of(parameter[add_to_list]), ")");

constexpr x3::rule<struct NamesId, std::vector<Name>> token_names{"tokens in braces: `{a, b}`"};
constexpr auto token_names_def = enclosed("{", required_list_of(named("a name of a token", name[add_to_list])), "}");

constexpr x3::rule<struct TokensId, TokensDecl> tokens_decl{"`tokens`"};
constexpr auto tokens_decl_def = word("tokens") > named("a name of the alphabet", name[set(&TokensDecl::name)]) >
                                 mark("=") > token_names[set(&TokensDecl::tokens)] > end_of_statement;

constexpr x3::rule<struct AlgebraBlockId, AlgebraDecl::BlockDecl> algebra_block{
    "a block, such as `animal = {cat, dog};`"};
constexpr auto algebra_block_def = name[set(&AlgebraDecl::BlockDecl::name)] >
                                   mark("=") > token_names[set(&AlgebraDecl::BlockDecl::tokens)] > end_of_statement;
constexpr x3::rule<struct OverId, AlgebraDecl::Over> over{"`over` and an alphabet"};
constexpr auto over_def = word("over") > named("a name of an alphabet", name[set(&AlgebraDecl::Over::alphabet)]) >
                          block_of("a block of tokens, such as `animal = {cat, dog};`",
                                   algebra_block[add(&AlgebraDecl::Over::blocks)]);
constexpr x3::rule<struct AlgebraId, AlgebraDecl> algebra_decl{"`algebra`"};
constexpr auto algebra_decl_def = declarator("algebra") > name[set(&AlgebraDecl::name)] >
                                  over[add(&AlgebraDecl::overs)] > *(word("and") > over[add(&AlgebraDecl::overs)]) >
                                  named("`and over` for the next alphabet, or the end of the algebra",
                                        !(word("over") >> name >> mark("{")) >> !mark(","));

constexpr x3::rule<struct ModelId, ModelDecl> model_decl{"`model`"};
constexpr auto model_decl_def = word("model") > named("a name of the model", name[set(&ModelDecl::name)]) >
                                -parameters[set(&ModelDecl::parameters)] >
                                -(word("emits") > named("a name of an alphabet", name[set(&ModelDecl::emits)])) >
                                named("`{` and the body of the model", block[set(&ModelDecl::body)]);

constexpr x3::rule<struct MapRuleId, MapDecl::Rule> map_rule{"a rule, such as `h == a => theta < 0.5;`"};
constexpr auto map_rule_def = expr[set(&MapDecl::Rule::from)] >
                              mark("=>") > expr[set(&MapDecl::Rule::to)] > end_of_statement;
constexpr x3::rule<struct MapId, MapDecl> map_decl{"`map`"};
constexpr auto map_decl_def = declarator("map") > name[set(&MapDecl::name)] > mark(":") >
                              named("a name of the teacher's model", name[set(&MapDecl::from)]) > mark("->") >
                              named("a name of the student's model", name[set(&MapDecl::to)]) >
                              block_of("a rule, such as `h == a => theta < 0.5;`", map_rule[add(&MapDecl::rules)]);

constexpr auto source_argument = (word("budget") > mark(":") > expr[set_once(&SourceDecl::budget, "budget")] >
                                  named("`nats` behind the budget", word("nats"))) |
                                 (word("schedule") > mark(":") > schedule[set_once(&SourceDecl::schedule, "schedule")]);
constexpr x3::rule<struct SourceId, SourceDecl> source_decl{"`source`"};
constexpr auto source_decl_def = declarator("source") > name[set(&SourceDecl::name)] >
                                 -enclosed("(",
                                           -(source_argument >>
                                             *(mark(",") > named("`budget:` or `schedule:`", source_argument))),
                                           ")") > end_of_statement;

constexpr x3::rule<struct FnId, FnDecl> fn_decl{"`fn`"};
constexpr auto fn_decl_def = word("fn") > named("a name of the function",
                                                name[set(&FnDecl::name)]) > parameters[set(&FnDecl::parameters)] >
                             mark("->") > type[set(&FnDecl::result)] >
                             mark("=") > expr[set(&FnDecl::body)] > end_of_statement;

constexpr x3::rule<struct MemberId, DistDecl::Member> member{"a member, such as `logp(x) = …;`"};
constexpr auto member_def = name[set(&DistDecl::Member::name)] >
                            -enclosed("(", -list_of(name[add(&DistDecl::Member::arguments)]), ")") >
                            mark("=") > expr[set(&DistDecl::Member::value)] > end_of_statement;
constexpr x3::rule<struct DistDeclId, DistDecl> dist_decl{"`dist`"};
constexpr auto dist_decl_def = word("dist") >
                               named("a name of the distribution",
                                     name[set(&DistDecl::name)]) > parameters[set(&DistDecl::parameters)] >
                               word("over") > type[set(&DistDecl::over)] >
                               block_of("a member, such as `logp(x) = …;`", member[add(&DistDecl::members)]);

constexpr auto set_path = [](auto& context) {
  x3::_val(context).path = std::move(x3::_attr(context).value);
  x3::_val(context).path_span = state_of(context).last_token();
};
constexpr x3::rule<struct ImportId, ImportStmt> import_stmt{"`import`"};
constexpr auto import_stmt_def = word("import") >
                                 named("the name of a file, as a string", string)[set_path] > end_of_statement;

constexpr auto declaration_def = as_stmt(model_decl)[put] | as_stmt(tokens_decl)[put] | as_stmt(algebra_decl)[put] |
                                 as_stmt(map_decl)[put] | as_stmt(source_decl)[put] | as_stmt(fn_decl)[put] |
                                 as_stmt(dist_decl)[put] | as_stmt(import_stmt)[put];

BOOST_SPIRIT_DEFINE(dims, dist_operand, dist_choice, parameter, parameters, token_names, tokens_decl, algebra_block)
BOOST_SPIRIT_DEFINE(over, algebra_decl, model_decl, map_rule, map_decl, source_decl, fn_decl, member, dist_decl,
                    import_stmt)

}  // namespace

BOOST_SPIRIT_DEFINE(bounds, type, dist, declaration)

BOOST_SPIRIT_INSTANTIATE(BoundsRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(TypeRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(DistRule, Iterator, Context)
BOOST_SPIRIT_INSTANTIATE(DeclarationRule, Iterator, Context)

}  // namespace hearsay::parse
