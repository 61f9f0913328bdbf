#include "lang/rng/philox.h"

#include <Random123/philox.h>

namespace hearsay::rng {

PhiloxCounter philox(const PhiloxCounter& counter, const PhiloxKey& key) {
  const r123::Philox4x64::ctr_type from{{counter[0], counter[1], counter[2], counter[3]}};
  const auto to = r123::Philox4x64()(from, r123::Philox4x64::key_type{{key[0], key[1]}});
  return {to[0], to[1], to[2], to[3]};
}

}  // namespace hearsay::rng
