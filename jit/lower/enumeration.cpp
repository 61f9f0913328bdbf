// The nest is the one of runtime/infer/exact/block_visitor.h, with everything settled that the shape settles: which
// tables each loop reads, where they lie, how long a row is. What depends on outer loops alone is multiplied together
// there (`Rows`, `block`). The loops around the last three keep the product of scalars and the block near 1 by powers
// of two; the last three work with plain numbers.
#include "jit/lower/enumeration.h"

#include <fmt/format.h>

#include <map>

#include "jit/lower/counted_loop.h"
#include "jit/lower/weight_code.h"

namespace hearsay::jit {
namespace {

using llvm::Value;
using model::EnumerationShape;

/// Loops whose products are left as they are.
constexpr std::size_t plain_loops = 3;
/// Values of the last loop that share one pass over the block.
constexpr std::uint32_t most_at_once = 4;

class Nest {
public:
  Nest(const EnumerationShape& shape, llvm::Module& out, const std::string& name)
      : shape_(shape), b_(out.getContext()), code_(out, b_, shape.lanes, shape.vector_width()) {
    auto* pointer = b_.getPtrTy();
    function_ = llvm::Function::Create(
        llvm::FunctionType::get(b_.getInt1Ty(), {pointer, pointer, pointer, pointer, pointer}, false),
        llvm::Function::ExternalLinkage, name, out);
    function_->addRetAttr(llvm::Attribute::ZExt);
    for (unsigned k = 0; k < 4; ++k) {
      function_->addParamAttr(k, llvm::Attribute::NoAlias);
      function_->addParamAttr(k, llvm::Attribute::NoCapture);
    }
    b_.SetInsertPoint(llvm::BasicBlock::Create(out.getContext(), "entry", function_));
    scratch_ = function_->getArg(2);
    sums_ = function_->getArg(3);
    flag_ = function_->getArg(4);
    for (std::size_t k = 0; k < shape.tables.size(); ++k) {
      tables_.push_back(b_.CreateLoad(pointer, b_.CreateConstInBoundsGEP1_64(pointer, function_->getArg(0), k)));
    }
    index_.assign(loops(), nullptr);
  }

  void write() {
    Rows rows{std::vector<Value*>(loops(), nullptr), std::vector<Value*>(loops(), nullptr)};
    for (std::size_t k = 1; k < shape_.tables.size(); ++k) {
      const auto& t = shape_.tables[k];
      if (t.loops.size() == 1) absorb(t, tables_[k], rows, 0);
    }
    outer(0, rows, tables_[0], real(1), b_.getInt64(0));
    b_.CreateRet(b_.getTrue());
  }

private:
  /// What is known of each loop's own weights once the loops further out have values: over [extent, lanes], [extent].
  struct Rows {
    std::vector<Value*> lanes, scalar;
  };

  [[nodiscard]] std::size_t loops() const { return shape_.extents.size(); }
  [[nodiscard]] std::size_t first_summed() const { return std::max(shape_.kept, shape_.fixed); }
  [[nodiscard]] std::size_t first_plain() const {
    return std::max(first_summed(), loops() - std::min(loops(), plain_loops));
  }
  Value* real(double v) { return llvm::ConstantFP::get(b_.getDoubleTy(), v); }
  Value* times(Value* index, std::uint64_t factor) { return b_.CreateMul(index, b_.getInt64(factor), "", true, true); }
  Value* at(Value* base, Value* offset) { return b_.CreateInBoundsGEP(b_.getDoubleTy(), base, offset); }
  Value* load(Value* base, Value* offset) { return b_.CreateLoad(b_.getDoubleTy(), at(base, offset)); }
  Value* scratch(std::size_t doubles) {
    Value* place = at(scratch_, b_.getInt64(used_));
    used_ += doubles;
    return place;
  }
  Value* block_of(std::size_t d) { return at(scratch_, b_.getInt64(d * shape_.lanes)); }

  /// `from`, weights over the last loop of `t`, into that loop's own. The product lies in scratch memory of depth `d`.
  void absorb(const model::EnumerationTable& t, Value* from, Rows& rows, std::size_t d) {
    const std::uint32_t last = t.loops.back();
    Value*& known = (t.lanes ? rows.lanes : rows.scalar)[last];
    if (known == nullptr) {
      known = from;
      return;
    }
    const std::size_t n = shape_.extents[last] * (t.lanes ? std::size_t{shape_.lanes} : 1);
    const auto [place, fresh] = stores_.try_emplace({d, last, t.lanes}, 0);
    if (fresh) {
      place->second = used_;
      used_ += n;
    }
    Value* store = at(scratch_, b_.getInt64(place->second));
    code_.multiply(known, from, store, n, t.lanes);
    known = store;
  }

  /// Loop `d` has a value: tables with one loop left become that loop's own.
  Rows settle(std::size_t d, Rows rows) {
    for (std::size_t k = 1; k < shape_.tables.size(); ++k) {
      const auto& t = shape_.tables[k];
      if (t.loops.size() < 2 || t.loops[t.loops.size() - 2] != d) continue;
      Value* row = b_.getInt64(0);
      for (std::size_t l = 0; l + 1 < t.loops.size(); ++l) {
        row = b_.CreateAdd(times(row, shape_.extents[t.loops[l]]), index_[t.loops[l]], "", true, true);
      }
      const std::size_t size = shape_.extents[t.loops.back()] * (t.lanes ? std::size_t{shape_.lanes} : 1);
      absorb(t, at(tables_[k], times(row, size)), rows, d + 1);
    }
    return rows;
  }

  /// Goes on only if `weight` is above 0; what `inside` yields, or `otherwise`.
  Value* if_possible(Value* weight, Value* otherwise, const std::function<Value*()>& inside) {
    auto* from = b_.GetInsertBlock();
    auto* possible = llvm::BasicBlock::Create(b_.getContext(), "possible", function_);
    auto* join = llvm::BasicBlock::Create(b_.getContext(), "join", function_);
    b_.CreateCondBr(b_.CreateFCmpOGT(weight, real(0)), possible, join);
    b_.SetInsertPoint(possible);
    Value* v = inside();
    auto* to = b_.GetInsertBlock();
    b_.CreateBr(join);
    b_.SetInsertPoint(join);
    if (otherwise == nullptr) return nullptr;
    auto* phi = b_.CreatePHI(otherwise->getType(), 2);
    phi->addIncoming(otherwise, from);
    phi->addIncoming(v, to);
    return phi;
  }

  Value* coefficient(std::size_t d, const Rows& rows, Value* c, Value* x) {
    return rows.scalar[d] == nullptr ? c : b_.CreateFMul(c, load(rows.scalar[d], x));
  }

  /// Loops from `d` inwards, of which this one scales: adds coefficient * 2^exponent * block to the sums.
  void outer(std::size_t d, const Rows& rows, Value* block, Value* c, Value* e) {
    if (d == first_plain()) {
      Value* place = b_.getInt64(0);
      for (std::size_t l = shape_.fixed; l < shape_.kept; ++l) {
        place = b_.CreateAdd(times(place, shape_.extents[l]), index_[l], "", true, true);
      }
      code_.add(b_.CreateInBoundsGEP(code_.sum_type(), sums_, place), plain(d, rows, block, c), e);
      return;
    }
    const auto body = [&](Value* x) {
      index_[d] = x;
      poll_flag(b_, flag_);
      Value* scalar = coefficient(d, rows, c, x);
      if_possible(scalar, nullptr, [&]() -> Value* {
        const auto [mantissa, exponent] = code_.normalise(scalar, e);
        if (rows.lanes[d] == nullptr) {
          outer(d + 1, settle(d, rows), block, mantissa, exponent);
          return nullptr;
        }
        Value* mine = block_of(d);
        Value* top = code_.multiply_block(block, at(rows.lanes[d], times(x, shape_.lanes)), mine);
        if_possible(top, nullptr, [&]() -> Value* {
          Value* recentred = code_.recentre(mine, top, exponent);
          outer(d + 1, settle(d, rows), mine, mantissa, recentred);
          return nullptr;
        });
        return nullptr;
      });
    };
    if (d < shape_.fixed) {
      auto* given =
          b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), function_->getArg(1), d));
      body(b_.CreateZExt(given, b_.getInt64Ty()));
      return;
    }
    counted_loop(b_, b_.getInt64(shape_.extents[d]), 1, {},
                 [&](Value* x, const Carried&) { return body(x), Carried{}; });
  }

  /// The same in plain numbers: the sum.
  Value* plain(std::size_t d, const Rows& rows, Value* block, Value* c) {
    if (d == loops()) return b_.CreateFMul(c, code_.sum(block));
    if (d + 1 == loops()) return b_.CreateFMul(c, leaf(d, rows, block));
    const Carried total =
        counted_loop(b_, b_.getInt64(shape_.extents[d]), 1, {real(0)}, [&](Value* x, const Carried& t) {
          index_[d] = x;
          poll_flag(b_, flag_);
          Value* scalar = coefficient(d, rows, c, x);
          Value* part = if_possible(scalar, real(0), [&] {
            Value* mine = block;
            if (rows.lanes[d] != nullptr) {
              mine = block_of(d);
              code_.multiply(block, at(rows.lanes[d], times(x, shape_.lanes)), mine, shape_.lanes, true);
            }
            return plain(d + 1, settle(d, rows), mine, scalar);
          });
          return Carried{b_.CreateFAdd(t[0], part)};
        });
    return total[0];
  }

  /// Sum over the last loop of its scalar * sum over lanes of block * row.
  Value* leaf(std::size_t d, const Rows& rows, Value* block) {
    const std::uint32_t n = shape_.extents[d];
    const auto scalar = [&](Value* x) { return rows.scalar[d] == nullptr ? real(1) : load(rows.scalar[d], x); };
    if (rows.lanes[d] != nullptr && n <= most_at_once) {
      std::vector<Value*> row;
      for (std::uint32_t x = 0; x < n; ++x)
        row.push_back(at(rows.lanes[d], b_.getInt64(std::uint64_t{x} * shape_.lanes)));
      const auto dots = code_.dots(block, row);
      Value* total = real(0);
      for (std::uint32_t x = 0; x < n; ++x) {
        total = b_.CreateFAdd(total, b_.CreateFMul(scalar(b_.getInt64(x)), dots[x]));
      }
      return total;
    }
    Value* whole = rows.lanes[d] == nullptr ? code_.sum(block) : nullptr;
    const Carried total = counted_loop(b_, b_.getInt64(n), 1, {real(0)}, [&](Value* x, const Carried& t) {
      Value* part = whole != nullptr ? whole : code_.dots(block, {at(rows.lanes[d], times(x, shape_.lanes))})[0];
      return Carried{b_.CreateFAdd(t[0], b_.CreateFMul(scalar(x), part))};
    });
    return total[0];
  }

  const EnumerationShape& shape_;
  llvm::IRBuilder<> b_;
  WeightCode code_;
  llvm::Function* function_ = nullptr;
  Value *scratch_ = nullptr, *sums_ = nullptr, *flag_ = nullptr;
  std::vector<Value*> tables_, index_;
  std::map<std::tuple<std::size_t, std::uint32_t, bool>, std::size_t> stores_;  // by depth, loop, lanes: in scratch
  std::size_t used_ = shape_.extents.size() * shape_.lanes;
};

}  // namespace

void lower_enumeration(const EnumerationShape& shape, llvm::Module& out, const std::string& name) {
  Nest(shape, out, name).write();
}

std::string enumeration_source(const EnumerationShape& shape) {
  std::string text =
      fmt::format("enumeration 1\n{}\n{} {} {}\n", fmt::join(shape.extents, ","), shape.lanes, shape.fixed, shape.kept);
  for (const auto& t : shape.tables) text += fmt::format("{} {}\n", t.lanes, fmt::join(t.loops, ","));
  return text;
}

}  // namespace hearsay::jit
