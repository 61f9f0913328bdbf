#include "jit/plugin/kernels.h"

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jit/engine/engine.h"
#include "jit/lower/contraction.h"
#include "jit/lower/enumeration.h"

namespace hearsay::jit::plugin {
namespace {

/// Compiling a kernel takes milliseconds. So many different shapes mean a model where no shape is worth it.
constexpr std::size_t most_kernels = 64;
/// Loops and tables of an enumeration: beyond, compiling takes too long.
constexpr std::size_t largest_enumeration = 2000;

class NativeKernels final : public model::KernelProvider {
public:
  explicit NativeKernels(const Options& options) : options_(options) {}

  model::ContractionKernel find(const model::ContractionShape& shape, model::Semiring semiring) override {
    if (shape.iterations() < options_.kernel_iterations) return nullptr;
    const std::scoped_lock lock(mutex_);
    auto& known = known_[semiring == model::Semiring::linear ? 0 : 1];
    if (const auto at = known.find(shape); at != known.end()) return at->second;
    if (codes_.size() >= most_kernels) return nullptr;
    auto* const kernel = reinterpret_cast<model::ContractionKernel>(
        make(contraction_source(shape, semiring), "contract",
             [&](llvm::Module& out) { lower_contraction(shape, semiring, out, "contract"); }));
    known.emplace(shape, kernel);
    return kernel;
  }

  model::EnumerationKernel find(const model::EnumerationShape& shape) override {
    if (shape.states() < options_.enumeration_states || size_of(shape) > largest_enumeration) return nullptr;
    const std::scoped_lock lock(mutex_);
    for (const auto& [known, kernel] : enumerations_) {
      if (known == shape) return kernel;
    }
    if (codes_.size() >= most_kernels) return nullptr;
    auto* const kernel =
        reinterpret_cast<model::EnumerationKernel>(make(enumeration_source(shape), "enumerate", [&](llvm::Module& out) {
          lower_enumeration(shape, out, "enumerate");
        }));
    enumerations_.emplace_back(shape, kernel);
    return kernel;
  }

private:
  static std::size_t size_of(const model::EnumerationShape& shape) {
    return shape.extents.size() + shape.tables.size();
  }

  /// The address of what `write` writes under this name; null when LLVM fails.
  template <class Write>
  void* make(const std::string& source, const char* name, const Write& write) {
    const CodeOptions wanted{static_cast<unsigned>(options_.optimization), options_.vectorize};
    auto code = obtain(source, wanted, options_.cache, [&](llvm::Module& out) -> std::optional<Diagnostic> {
      write(out);
      return std::nullopt;
    });
    if (!code) return nullptr;
    codes_.push_back(std::move(*code));
    return codes_.back()->find(name);
  }

  Options options_;
  std::mutex mutex_;
  std::unordered_map<model::ContractionShape, model::ContractionKernel> known_[2];
  std::vector<std::pair<model::EnumerationShape, model::EnumerationKernel>> enumerations_;
  std::vector<std::unique_ptr<Code>> codes_;
};

}  // namespace

Result<std::shared_ptr<model::KernelProvider>> kernels(const Options& options) {
  if (const auto engine = Engine::shared(); !engine) return fail(engine.error());
  return std::make_shared<NativeKernels>(options);
}

}  // namespace hearsay::jit::plugin
