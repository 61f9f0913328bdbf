// What names mean at the top of a script: declarations and values.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lang/sema/value.h"
#include "lang/syntax/ast.h"

namespace hearsay {

/// A partition of one or more alphabets into the same named blocks (theory section 8).
struct Algebra {
  AlphabetPtr blocks;  ///< the block names
  struct Over {
    AlphabetPtr alphabet;
    std::vector<std::int64_t> block_of;  ///< by token code - 1: block code
  };
  std::vector<Over> overs;
  /// The partition of this alphabet, or null.
  [[nodiscard]] const Over* over(const Alphabet& alphabet) const;
  /// By code - 1 of these labels: the block code. Labels of a latent count as the tokens that they are called after;
  /// nothing where they are not all tokens of one alphabet.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> blocks_of(const Alphabet& labels) const;
};

/// How far the sum of a probability vector may be from 1.
inline constexpr double kSimplexTolerance = 1e-8;

/// A model declaration, and data that came with it (a Bayesian-network file brings its tables).
struct ModelSource {
  std::shared_ptr<const ast::ModelDecl> decl;
  std::map<std::string, Value> data;
  double simplex_tolerance = kSimplexTolerance;  ///< more for tables that were printed with few digits
};

struct Environment {
  std::map<std::string, AlphabetPtr> alphabets;
  std::map<std::string, Algebra> algebras;
  std::map<std::string, ModelSource> models;
  std::map<std::string, std::shared_ptr<const ast::MapDecl>> maps;
  std::map<std::string, std::shared_ptr<const ast::SourceDecl>> sources;
  std::map<std::string, std::shared_ptr<const ast::FnDecl>> functions;
  std::map<std::string, std::shared_ptr<const ast::DistDecl>> distributions;
  std::map<std::string, std::pair<std::string, std::shared_ptr<const ast::EventDecl>>> events;  ///< model.event
  std::map<std::string, Value> values;
  const std::atomic<bool>* interrupt = nullptr;  ///< true: stop working
};

}  // namespace hearsay
