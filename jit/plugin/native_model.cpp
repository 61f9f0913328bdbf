#include "jit/plugin/native_model.h"

#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <optional>
#include <vector>

#include "jit/engine/engine.h"
#include "jit/lower/gradient.h"
#include "jit/lower/model.h"

namespace hearsay::jit::plugin {
namespace {

using ir::raw;
using Cell = std::int64_t;

using Prepare = void (*)(const void* const*, const double*, std::int32_t*, Cell*, Cell*);
using Closed = double (*)(const void* const*, const double*, std::int32_t*, Cell*, Cell*);
using GradientCode = double (*)(const void* const*, const double*, std::int32_t*, Cell*, Cell*, double*, double*);
using Push = void (*)(const void* const*, const double*, std::int32_t*, Cell*, Cell*, const std::int64_t*, std::int64_t,
                      const double*, double*, double*);
using Backward = void (*)(const void* const*, const double*, std::int32_t*, Cell*, Cell*, double*, double*);
using Fill = void (*)(const void* const*, const double*, std::int32_t*, Cell*, Cell*, const std::int64_t*, std::int64_t,
                      double*);

/// The ground factors of one open term, as the generated code reads them.
struct Instances {
  Fill fill = nullptr;
  Push push = nullptr;  // with a gradient only
  std::vector<std::int64_t> words;
  std::int64_t count = 0;
};

class NativeModel final : public model::CompiledModel, public std::enable_shared_from_this<NativeModel> {
public:
  NativeModel(std::shared_ptr<const ir::Module> module, std::shared_ptr<const ir::Grounding> grounding,
              const ir::Gradient* gradient, const Analysis& analysis)
      : module_(std::move(module)), grounding_(std::move(grounding)), layout_(*module_), scratch_(*module_, analysis) {
    if (gradient != nullptr) adjoints_ = AdjointLayout(*module_, *gradient).size;
    for (const ir::Data& data : module_->data) {
      data_.push_back(data.type == ScalarType::real
                          ? static_cast<const void*>(data.reals ? data.reals->data() : nullptr)
                          : static_cast<const void*>(data.integers ? data.integers->data() : nullptr));
    }
    std::vector<std::size_t> slot(module_->terms.size());
    instances_.resize(analysis.open_terms().size());
    for (std::size_t k = 0; k < instances_.size(); ++k) slot[raw(analysis.open_terms()[k])] = k;
    for (const ir::GroundFactor& factor : grounding_->factors) {
      Instances& list = instances_[slot[raw(factor.term)]];
      ++list.count;
      list.words.push_back(static_cast<std::int64_t>(factor.table_offset));
      list.words.push_back(static_cast<std::int64_t>(factor.scope.size()));
      list.words.insert(list.words.end(), factor.plate.begin(), factor.plate.end());
      for (const std::uint32_t position : factor.scope) list.words.push_back(position);
      [[maybe_unused]] std::size_t size = 1;
      for (const std::uint32_t position : factor.scope) {
        list.words.push_back(grounding_->variables[position].cardinality);
        size *= grounding_->variables[position].cardinality;
      }
      assert(size == factor.table_size);
    }
  }

  /// Finds the functions; false when the code has not all of them.
  [[nodiscard]] bool attach(std::unique_ptr<Code> code) {
    code_ = std::move(code);
    prepare_ = reinterpret_cast<Prepare>(code_->find("prepare"));
    if (prepare_ == nullptr) return false;
    closed_ = reinterpret_cast<Closed>(code_->find("closed"));
    bool complete = closed_ != nullptr;
    for (std::size_t k = 0; k < instances_.size() && complete; ++k) {
      instances_[k].fill = reinterpret_cast<Fill>(code_->find("fill" + std::to_string(k)));
      complete = instances_[k].fill != nullptr;
    }
    if (!adjoints_ || !complete) return complete;
    gradient_ = reinterpret_cast<GradientCode>(code_->find("gradient"));
    backward_ = reinterpret_cast<Backward>(code_->find("backward"));
    complete = gradient_ != nullptr && backward_ != nullptr;
    for (std::size_t k = 0; k < instances_.size() && complete; ++k) {
      instances_[k].push = reinterpret_cast<Push>(code_->find("push" + std::to_string(k)));
      complete = instances_[k].push != nullptr;
    }
    return complete;
  }
  [[nodiscard]] const std::string& error() const { return code_->error(); }

  [[nodiscard]] std::unique_ptr<model::Evaluator> evaluator() const override;
  [[nodiscard]] std::size_t continuous_dimension() const override { return layout_.continuous; }
  [[nodiscard]] std::size_t table_entries() const override { return grounding_->table_entries; }
  [[nodiscard]] bool has_gradient() const override { return gradient_ != nullptr; }

private:
  friend class NativeEvaluator;
  std::shared_ptr<const ir::Module> module_;
  std::shared_ptr<const ir::Grounding> grounding_;
  ir::StateLayout layout_;
  ScratchLayout scratch_;
  std::vector<const void*> data_;
  std::vector<Instances> instances_;
  Prepare prepare_ = nullptr;
  Closed closed_ = nullptr;
  std::optional<std::size_t> adjoints_;  // doubles; set when there is a gradient
  GradientCode gradient_ = nullptr;
  Backward backward_ = nullptr;
  std::unique_ptr<Code> code_;
};

class NativeEvaluator final : public model::Evaluator {
public:
  explicit NativeEvaluator(std::shared_ptr<const NativeModel> model)
      : model_(std::move(model)),
        codes_(model_->layout_.finite, 1),
        lets_(model_->scratch_.lets),
        work_(model_->scratch_.work),
        adjoints_(model_->adjoints_.value_or(0)) {
    stop_on(nullptr);
  }

  double closed_terms(std::span<const double> continuous) override {
    if (!prepare(continuous)) return std::numeric_limits<double>::quiet_NaN();
    const double sum =
        model_->closed_(model_->data_.data(), continuous.data(), codes_.data(), lets_.data(), work_.data());
    return interrupted() ? std::numeric_limits<double>::quiet_NaN() : sum;
  }

  void fill_tables(std::span<const double> continuous, std::span<double> tables) override {
    if (!prepare(continuous)) return;
    for (const Instances& list : model_->instances_) {
      list.fill(model_->data_.data(), continuous.data(), codes_.data(), lets_.data(), work_.data(), list.words.data(),
                list.count, tables.data());
      if (!interrupted()) continue;
      std::fill(codes_.begin(), codes_.end(), 1);  // it was in the middle of counting
      return;
    }
  }

  double value_and_gradient(std::span<const double> continuous, std::span<const double> weights,
                            std::span<double> gradient) override {
    if (!prepare(continuous)) return std::numeric_limits<double>::quiet_NaN();
    std::fill(gradient.begin(), gradient.end(), 0.0);
    std::fill(adjoints_.begin(), adjoints_.end(), 0.0);
    const void* const* data = model_->data_.data();
    const double value = model_->gradient_(data, continuous.data(), codes_.data(), lets_.data(), work_.data(),
                                           gradient.data(), adjoints_.data());
    if (!weights.empty())
      for (const Instances& list : model_->instances_)
        list.push(data, continuous.data(), codes_.data(), lets_.data(), work_.data(), list.words.data(), list.count,
                  weights.data(), gradient.data(), adjoints_.data());
    if (!adjoints_.empty())
      model_->backward_(data, continuous.data(), codes_.data(), lets_.data(), work_.data(), gradient.data(),
                        adjoints_.data());
    return interrupted() ? std::numeric_limits<double>::quiet_NaN() : value;
  }

  void stop_on(const std::atomic<bool>* flag) override {
    // Generated code reads the flag as a byte.
    static_assert(sizeof(std::atomic<bool>) == 1 && std::atomic<bool>::is_always_lock_free);
    static const std::atomic<bool> never = false;
    const std::atomic<bool>* watched = flag != nullptr ? flag : &never;
    work_[1] = std::bit_cast<Cell>(watched);
  }
  [[nodiscard]] bool interrupted() const override { return work_[0] == static_cast<Cell>(Status::interrupted); }

private:
  /// False when interrupted: then the cells that others read are not all computed.
  bool prepare(std::span<const double> continuous) {
    work_[0] = static_cast<Cell>(Status::ok);
    model_->prepare_(model_->data_.data(), continuous.data(), codes_.data(), lets_.data(), work_.data());
    return !interrupted();
  }

  std::shared_ptr<const NativeModel> model_;
  std::vector<std::int32_t> codes_;
  std::vector<Cell> lets_, work_;
  std::vector<double> adjoints_;
};

std::unique_ptr<model::Evaluator> NativeModel::evaluator() const {
  return std::make_unique<NativeEvaluator>(shared_from_this());
}

CodeOptions code_options(const Options& options) {
  return {static_cast<unsigned>(options.optimization), options.vectorize};
}

}  // namespace

Result<std::shared_ptr<const model::CompiledModel>> compile(std::shared_ptr<const ir::Module> module,
                                                            std::shared_ptr<const ir::Grounding> grounding,
                                                            const Options& options,
                                                            std::shared_ptr<const ir::Gradient> gradient) {
  const Analysis analysis(*module, *grounding, gradient.get());
  auto code = obtain(analysis.source(), code_options(options), options.cache, [&](llvm::Module& out) {
    return ModelLowering(*module, *grounding, gradient.get(), analysis, out).run();
  });
  if (!code) return fail(code.error());
  auto native = std::make_shared<NativeModel>(std::move(module), std::move(grounding), gradient.get(), analysis);
  if (!native->attach(std::move(*code))) return fail(diagnose<DiagnosticKind::jit_failed>({}, native->error()));
  return native;
}

Result<std::string> listing(const ir::Module& module, const ir::Grounding& grounding, const Options& options,
                            Listing what, const ir::Gradient* gradient) {
  const auto engine = Engine::shared();
  if (!engine) return fail(engine.error());
  const Analysis analysis(module, grounding, gradient);
  llvm::LLVMContext context;
  llvm::Module out("hearsay", context);
  if (auto problem = ModelLowering(module, grounding, gradient, analysis, out).run()) return fail(std::move(*problem));
  const CodeOptions wanted = code_options(options);
  const auto machine = (*engine)->target_machine(wanted);
  (*engine)->prepare(out, *machine);
  if (what != Listing::llvm) (*engine)->optimize(out, *machine, wanted);
  if (what == Listing::assembly) return (*engine)->emit(out, *machine, wanted, /*assembly=*/true);
  std::string text;
  llvm::raw_string_ostream stream(text);
  out.print(stream, nullptr);
  return text;
}

}  // namespace hearsay::jit::plugin
