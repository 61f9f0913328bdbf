// How alike the two sides of an event map predict (theory section 8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lang/sema/environment.h"

namespace hearsay {

/// What two models can both say: tokens of one alphabet, or blocks of an algebra over both of theirs.
struct SharedTokens {
  AlphabetPtr alphabet;                 ///< tokens, or blocks
  std::string algebra;                  ///< "" for tokens
  const Algebra::Over* left = nullptr;  ///< null for tokens
  const Algebra::Over* right = nullptr;
};

/// Conditionals whose log ratios (nats) differ by less are the same: that is rounding.
inline constexpr double kAlike = 1e-9;

struct MapFidelity {
  std::int64_t tokens = 0;  ///< strings of up to this many were compared
  std::string algebra;      ///< as blocks of this algebra; "" for tokens
  struct Rule {
    double weak_mass = 0, strong_mass = 0;  ///< probabilities of the event and of its image
    /// [tokens^length] probabilities of all strings given the event and given its image, the last token fastest.
    std::vector<double> weak, strong;
    double total_variation = 0;     ///< δ: over strings of full length, hence the largest
    double worst = 0;               ///< largest |log ratio| over strings that the teacher can produce, nats
    std::string worst_string;       ///< where
    double beyond = 0;              ///< what the image gives to strings that the event excludes
    std::int64_t differs_from = 0;  ///< the shortest strings on which the two differ; 0 if none
  };
  std::vector<Rule> rules;
};

/// Half the sum of absolute differences.
[[nodiscard]] double total_variation(const std::vector<double>& p, const std::vector<double>& q);

}  // namespace hearsay
