// Watches for results too small to be exact.
#pragma once

#include <cfenv>

namespace hearsay::exact {

/// While alive, says whether any floating-point operation of this thread underflowed (was tiny and inexact): IEEE 754
/// sets a sticky flag. The caller's own flags and traps are put back at the end.
class UnderflowGuard {
public:
  UnderflowGuard() { std::feholdexcept(&saved_); }
  ~UnderflowGuard() { std::fesetenv(&saved_); }
  UnderflowGuard(const UnderflowGuard&) = delete;
  UnderflowGuard& operator=(const UnderflowGuard&) = delete;

  [[nodiscard]] bool underflowed() const { return std::fetestexcept(FE_UNDERFLOW) != 0; }

private:
  std::fenv_t saved_{};
};

}  // namespace hearsay::exact
