// The derivative of a module, in reverse mode, as instructions of the same IR: what lang/pass/differentiate.h makes,
// and what the reference evaluator and native code run.
//
// The adjoint of a quantity is the derivative of the sum of all terms with respect to it. Running backwards, every term
// adds to the adjoints of the latents and lets that it reads; then every let, last first, hands its adjoint on to what
// it reads itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lang/ir/ir.h"

namespace hearsay::ir {

/// adjoint[target element] += seed * value, where the seed is 1 for a term, and a let's own adjoint for a let.
struct Accumulate {
  Opcode target = Opcode::latent;  ///< latent (continuous) or let (real)
  std::uint32_t id = 0;            ///< LatentId or LetId
  std::vector<ExprId> at;          ///< 1-based indices of the element, as in the load
  ExprId value{};                  ///< real
};

/// What one instance of a term, or one element of a let, adds to adjoints: `here`, and for all values of an index (that
/// of a reduction) what stands in `loops`.
struct AdjointBlock {
  struct Loop;
  std::vector<Accumulate> here;
  std::vector<Loop> loops;
  [[nodiscard]] bool empty() const;
};

struct AdjointBlock::Loop {
  IndexId index{};
  AdjointBlock body;
};

inline bool AdjointBlock::empty() const { return here.empty() && loops.empty(); }

struct Gradient {
  std::vector<AdjointBlock> terms;     ///< by TermId
  std::map<LetId, AdjointBlock> lets;  ///< active lets: those that some term reads and that read continuous latents
  std::vector<LetId> backwards;        ///< active lets, each before those it reads
};

/// Text form, one line per statement, for `hearsay show --ir=differentiate`.
[[nodiscard]] std::string print(const Module& module, const Gradient& gradient);

}  // namespace hearsay::ir
