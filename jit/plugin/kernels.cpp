#include "jit/plugin/kernels.h"

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "jit/engine/engine.h"
#include "jit/lower/contraction.h"

namespace hearsay::jit::plugin {
namespace {

/// Compiling a kernel takes milliseconds. So many different shapes mean a model where no shape is worth it.
constexpr std::size_t most_kernels = 64;

class NativeKernels final : public model::KernelProvider {
public:
  explicit NativeKernels(const Options& options) : options_(options) {}

  model::ContractionKernel find(const model::ContractionShape& shape, model::Semiring semiring) override {
    if (shape.iterations() < options_.kernel_iterations) return nullptr;
    const std::scoped_lock lock(mutex_);
    auto& known = known_[semiring == model::Semiring::linear ? 0 : 1];
    if (const auto at = known.find(shape); at != known.end()) return at->second;
    if (codes_.size() >= most_kernels) return nullptr;
    const CodeOptions wanted{static_cast<unsigned>(options_.optimization), options_.vectorize};
    auto code = obtain(contraction_source(shape, semiring), wanted, options_.cache,
                       [&](llvm::Module& out) -> std::optional<Diagnostic> {
                         lower_contraction(shape, semiring, out, "contract");
                         return std::nullopt;
                       });
    model::ContractionKernel kernel = nullptr;
    if (code) {
      kernel = reinterpret_cast<model::ContractionKernel>((*code)->find("contract"));
      codes_.push_back(std::move(*code));
    }
    known.emplace(shape, kernel);
    return kernel;
  }

private:
  Options options_;
  std::mutex mutex_;
  std::unordered_map<model::ContractionShape, model::ContractionKernel> known_[2];
  std::vector<std::unique_ptr<Code>> codes_;
};

}  // namespace

Result<std::shared_ptr<model::KernelProvider>> kernels(const Options& options) {
  if (const auto engine = Engine::shared(); !engine) return fail(engine.error());
  return std::make_shared<NativeKernels>(options);
}

}  // namespace hearsay::jit::plugin
