#include "lang/rng/philox.h"

#include <Random123/philox.h>

namespace hearsay::rng {

PhiloxCounter philox(const PhiloxCounter& counter, const PhiloxKey& key) {
  const r123::Philox4x64::ctr_type from{{counter[0], counter[1], counter[2], counter[3]}};
  const auto to = r123::Philox4x64()(from, r123::Philox4x64::key_type{{key[0], key[1]}});
  return {to[0], to[1], to[2], to[3]};
}

void philox_run(PhiloxCounter counter, const PhiloxKey& key, std::span<std::uint64_t> out) {
  const r123::Philox4x64::key_type with{{key[0], key[1]}};
  for (std::size_t at = 0; at + 4 <= out.size(); at += 4) {
    const r123::Philox4x64::ctr_type from{{counter[0], counter[1], counter[2], counter[3]}};
    const auto to = r123::Philox4x64()(from, with);
    for (std::size_t k = 0; k < 4; ++k) out[at + k] = to[k];
    ++counter[0];
  }
}

}  // namespace hearsay::rng
