// A token stream drawn forward: every element from its own distribution given those before it (ancestral sampling).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lang/eval/evaluator.h"
#include "lang/ir/ir.h"
#include "lang/rng/stream.h"
#include "lang/sema/lowering.h"
#include "runtime/session/prepared.h"

namespace hearsay {

/// Tokens first … last of a model's stream, with the hidden streams under them. What they read and do not draw (latents
/// of the model, elements before `first`) is drawn by the caller, from the posterior: given that, the future has seen
/// no evidence, so drawing forward is exact.
///
/// A step whose distribution depends on its place only through the elements that it reads relative to it is tabulated:
/// some 10 ns a token. Others are evaluated anew at every token.
class StreamWalk {
public:
  /// `module` reaches to `last`. Throws Failure where drawing forward would not be right: evidence on every token.
  StreamWalk(ir::Module module, const StreamInfo& info, std::int64_t first, std::int64_t last, SourceSpan span);
  StreamWalk(const StreamWalk&) = delete;
  StreamWalk& operator=(const StreamWalk&) = delete;

  /// What must be known before the walk, sorted.
  [[nodiscard]] const std::vector<FiniteElement>& reads() const { return reads_; }

  /// The codes of tokens first … last of one world. `codes`: of what `reads` lists. Throws Failure when a distribution
  /// is not one (its probabilities are no numbers).
  [[nodiscard]] std::vector<std::int64_t> run(std::span<const double> continuous, std::span<const std::int32_t> codes,
                                              rng::Stream& stream);

private:
  /// An element of a stream that a step reads, relative to its own place.
  struct Lag {
    std::size_t offset = 0;  ///< of the stream in the state
    std::int64_t lag = 0;    ///< 0: a stream declared earlier, at the same place
    std::int64_t cardinality = 0;
    friend bool operator==(const Lag&, const Lag&) = default;
  };
  struct Step {
    ir::LatentId latent{};
    std::size_t offset = 0;
    std::int64_t cardinality = 0;
    std::vector<ir::TermId> terms;
    bool tabulated = false;
    std::int64_t regular_from = 1;  ///< from this token on the table holds
    std::vector<Lag> lags;
    std::vector<std::unique_ptr<const rng::AliasTable>> table;  ///< by the codes of the lags; filled as they come up
  };
  class Regularity;

  void find_reads(std::int64_t first, std::int64_t last, SourceSpan span);
  [[nodiscard]] rng::AliasTable distribution(const Step& step, std::int64_t t, const model::StateView& state,
                                             std::vector<std::int32_t>& codes);

  ir::Module module_;
  ir::StateLayout layout_;
  std::int64_t first_, last_;
  SourceSpan span_;
  std::vector<Step> steps_;  ///< in the order in which they are declared
  std::size_t emit_ = 0;     ///< which of them the tokens are
  std::vector<FiniteElement> reads_;
  eval::ReferenceEvaluator evaluator_;
};

}  // namespace hearsay
