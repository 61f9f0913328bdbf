#include "lang/sema/declare.h"

#include <fmt/format.h>

#include <set>

#include "lang/sema/lowerer.h"
#include "lang/support/suggest.h"

namespace hearsay {

using K = DiagnosticKind;

namespace {

AlphabetPtr alphabet_of(const ast::TokensDecl& d) {
  auto a = std::make_shared<Alphabet>();
  a->name = d.name.text;
  a->declared = d.name.span;
  for (const ast::Name& t : d.tokens) {
    if (a->find(t.text) != 0) raise<K::duplicate_name>(t.span, t.text);
    a->labels.push_back(t.text);
  }
  if (a->labels.empty()) raise<K::bad_partition>(d.name.span, fmt::format("alphabet `{}` has no tokens", d.name.text));
  return a;
}

/// Every token of every alphabet in exactly one block, and the same blocks over all of them.
Algebra algebra_of(const ast::AlgebraDecl& d, const Environment& environment) {
  Algebra algebra;
  for (const auto& over : d.overs) {
    const auto at = environment.alphabets.find(over.alphabet.text);
    if (at == environment.alphabets.end()) {
      std::vector<std::string> names;
      for (const auto& [n, a] : environment.alphabets) names.push_back(n);
      const std::string near = nearest_name(over.alphabet.text, names);
      raise_help<K::unknown_name>(over.alphabet.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near),
                                  "token alphabet", over.alphabet.text);
    }
    auto blocks = std::make_shared<Alphabet>();
    blocks->name = d.name.text;
    blocks->declared = d.name.span;
    Algebra::Over o;
    o.alphabet = at->second;
    o.block_of.assign(at->second->labels.size(), 0);
    for (const auto& b : over.blocks) {
      if (blocks->find(b.name.text) != 0) raise<K::duplicate_name>(b.name.span, b.name.text);
      blocks->labels.push_back(b.name.text);
      const auto code = static_cast<std::int64_t>(blocks->labels.size());
      for (const ast::Name& t : b.tokens) {
        const std::int64_t token = at->second->find(t.text);
        if (token == 0) {
          const std::string near = nearest_name(t.text, at->second->labels);
          raise_help<K::unknown_name>(t.span, near.empty() ? "" : fmt::format("did you mean `{}`?", near),
                                      "token of " + over.alphabet.text, t.text);
        }
        std::int64_t& slot = o.block_of[static_cast<std::size_t>(token - 1)];
        if (slot != 0)
          raise<K::bad_partition>(t.span, fmt::format("token `{}` stands in two blocks, `{}` and `{}`", t.text,
                                                      blocks->labels[static_cast<std::size_t>(slot - 1)], b.name.text));
        slot = code;
      }
    }
    for (std::size_t t = 0; t < o.block_of.size(); ++t)
      if (o.block_of[t] == 0)
        raise<K::bad_partition>(over.alphabet.span, fmt::format("token `{}` of {} stands in no block",
                                                                at->second->labels[t], over.alphabet.text));
    if (!algebra.blocks) {
      algebra.blocks = blocks;
    } else {
      for (const std::string& name : algebra.blocks->labels)
        if (blocks->find(name) == 0)
          raise<K::bad_partition>(over.alphabet.span,
                                  fmt::format("block `{}` has no counterpart over {}", name, over.alphabet.text));
      for (const std::string& name : blocks->labels)
        if (algebra.blocks->find(name) == 0)
          raise<K::bad_partition>(over.alphabet.span,
                                  fmt::format("block `{}` is only there over {}", name, over.alphabet.text));
      // Codes follow the first alphabet's order of blocks.
      for (std::int64_t& code : o.block_of)
        code = algebra.blocks->find(blocks->labels[static_cast<std::size_t>(code - 1)]);
    }
    algebra.overs.push_back(std::move(o));
  }
  return algebra;
}

template <class T>
std::shared_ptr<const T> hold(const std::shared_ptr<const ast::Script>& script, const T& part) {
  return {script, &part};
}

}  // namespace

Result<bool> declare(const std::shared_ptr<const ast::Script>& script, const ast::Stmt& stmt,
                     Environment& environment) {
  try {
    if (const auto* t = std::get_if<ast::TokensDecl>(&stmt.node)) {
      environment.alphabets[t->name.text] = alphabet_of(*t);
    } else if (const auto* a = std::get_if<ast::AlgebraDecl>(&stmt.node)) {
      environment.algebras[a->name.text] = algebra_of(*a, environment);
    } else if (const auto* m = std::get_if<ast::ModelDecl>(&stmt.node)) {
      environment.models[m->name.text] = {hold(script, *m), {}};
    } else if (const auto* f = std::get_if<ast::MapDecl>(&stmt.node)) {
      for (const ast::Name* side : {&f->from, &f->to})
        if (!environment.models.contains(side->text)) {
          std::vector<std::string> names;
          for (const auto& [n, v] : environment.models) names.push_back(n);
          const std::string near = nearest_name(side->text, names);
          raise_help<K::unknown_name>(side->span, near.empty() ? "" : fmt::format("did you mean `{}`?", near), "model",
                                      side->text);
        }
      environment.maps[f->name.text] = hold(script, *f);
    } else if (const auto* s = std::get_if<ast::SourceDecl>(&stmt.node)) {
      environment.sources[s->name.text] = hold(script, *s);
    } else if (const auto* fn = std::get_if<ast::FnDecl>(&stmt.node)) {
      environment.functions[fn->name.text] = hold(script, *fn);
    } else if (const auto* d = std::get_if<ast::DistDecl>(&stmt.node)) {
      environment.distributions[d->name.text] = hold(script, *d);
    } else {
      return false;
    }
    return true;
  } catch (Failure& f) {
    return fail(std::move(f.diagnostic));
  }
}

Result<void> declare_all(const std::shared_ptr<const ast::Script>& script, Environment& environment) {
  for (const auto& s : script->statements)
    if (auto r = declare(script, *s, environment); !r) return fail(std::move(r).error());
  return {};
}

}  // namespace hearsay
