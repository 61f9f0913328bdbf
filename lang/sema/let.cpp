// `let` in a model: values, arrays, recurrences.
#include "lang/sema/lowering.h"

namespace hearsay {

using ir::ExprId;
using K = DiagnosticKind;

void ModelLowerer::let(const ast::LetStmt& s) {
  if (find_local(s.name.text) != nullptr) raise<K::duplicate_name>(s.name.span, s.name.text);
  Sym value;
  if (s.binders.empty()) {
    value = eval(*s.value);
    if (!value.known && !value.other)
      if (auto v = materialise(value)) value = known(*std::move(v));
  } else {
    // A recurrence if it reads its own name; found by looking for the name in the text of the value.
    std::vector<std::int64_t> shape;
    std::vector<ir::IndexId> indices;
    std::optional<SourceSpan> offset_from;
    {
      const ScopeGuard scope(*this, false);
      for (const ast::Binder& b : s.binders) {
        const std::int64_t low = known_integer(eval(*b.low), b.low->span, "the start of a range");
        const std::int64_t high = known_integer(eval(*b.high), b.high->span, "the end of a range");
        if (low != 1) offset_from = b.low->span;
        // Elements are counted from 1 wherever the index runs.
        shape.push_back(extent(low, high, b.high->span));
        element_count(shape, b.high->span);
        indices.push_back(module_->add_index(b.index.text, 1, shape.back()));
        define(b.index.text, scalar(counted_from(low, indices.back())));
      }
      // A first look at the type, with a stand-in for itself.
      bool reads_itself = false;
      Sym stand_in;
      stand_in.type = ScalarType::real;
      stand_in.shape = shape;
      stand_in.element = [&](std::span<const ExprId>) {
        reads_itself = true;
        return module_->real(0);
      };
      define(s.name.text, stand_in);
      Sym body = eval(*s.value);
      if (!body.is_scalar()) raise<K::wrong_type>(s.value->span, "a single value per element", "an array");
      const ScalarType type = body.type;
      const AlphabetPtr labels = body.labels;
      if (reads_itself) {
        if (offset_from) raise<K::offset_recurrence>(*offset_from, s.name.text);
        value = recurrence(s.name.text, indices, type, [&](std::span<const ExprId>, const EarlierElement& earlier) {
          Sym self;
          self.type = type;
          self.labels = labels;
          self.shape = shape;
          self.element = earlier;
          define(s.name.text, std::move(self));
          return expr(eval(*s.value));
        });
      } else {
        value = array_of(expr(body), indices);
      }
      value.labels = labels;
    }
    if (auto v = materialise(value)) value = known(*std::move(v));
  }
  define(s.name.text, std::move(value));
}

}  // namespace hearsay
