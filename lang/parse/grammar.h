// The rules that more than one file of the grammar uses. Definitions: expression.cpp, declaration.cpp, statement.cpp.
#pragma once

#include <vector>

#include "lang/parse/actions.h"
#include "lang/parse/build.h"
#include "lang/parse/directives.h"

namespace hearsay::parse {

template <class Id, class Value>
using Rule = x3::rule<Id, Value>;

using ExprRule = Rule<struct ExprId, ast::ExprPtr>;
using ChainRule = Rule<struct InfixId, ast::ExprPtr>;
using PostfixRule = Rule<struct PostfixId, ast::ExprPtr>;
using ArgumentsRule = Rule<struct ArgumentsId, std::vector<ast::Argument>>;
using BinderRule = Rule<struct BinderId, ast::Binder>;
using ScheduleRule = Rule<struct ScheduleId, ast::Schedule>;
inline constexpr ExprRule expr{"an expression"};
inline constexpr ChainRule infix{"an expression"};      ///< without `if … then …`, infer, teach at its top
inline constexpr PostfixRule postfix{"an expression"};  ///< an operand: `f(x)[1].y`
inline constexpr ArgumentsRule arguments{"arguments in parentheses"};
inline constexpr BinderRule binder{"an index with its range, such as `i in 1..N`"};
inline constexpr ScheduleRule schedule{"a schedule, such as `geometric(0.99)` or `spread`"};

using BoundsRule = Rule<struct BoundsId, ast::Bounds>;
using TypeRule = Rule<struct TypeId, ast::TypeExpr>;
using DistRule = Rule<struct DistId, ast::DistExpr>;
inline constexpr BoundsRule bounds{"an interval such as `(0, 1)`"};
inline constexpr TypeRule type{"a type, such as `real` or `int`"};
inline constexpr DistRule dist{"a distribution after `~`"};

using StatementRule = Rule<struct StatementId, ast::StmtPtr>;
using BlockRule = Rule<struct BlockId, ast::Block>;
using DeclarationRule = Rule<struct DeclarationId, ast::StmtPtr>;
using ScriptRule = Rule<struct ScriptId, ast::Block>;
inline constexpr StatementRule statement{"a statement"};
inline constexpr BlockRule block{"`{`"};
inline constexpr DeclarationRule declaration{"a declaration"};
inline constexpr ScriptRule script{"a script"};

BOOST_SPIRIT_DECLARE(ExprRule, ChainRule, PostfixRule, ArgumentsRule, BinderRule, ScheduleRule)
BOOST_SPIRIT_DECLARE(BoundsRule, TypeRule, DistRule)
BOOST_SPIRIT_DECLARE(StatementRule, BlockRule, DeclarationRule, ScriptRule)

inline constexpr auto end_of_statement = semicolon;

}  // namespace hearsay::parse
