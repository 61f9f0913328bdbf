#include "tests/reference/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hearsay::reference {

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); }
double uniform(Random& random) { return (static_cast<double>(random() >> 11U) + 0.5) * 0x1p-53; }
double uniform(Random& random, double low, double high) { return low + (high - low) * uniform(random); }

Conditional random_conditional(Random& random, const RandomModel& m, std::vector<std::size_t> parents, int cardinality,
                               bool zeros) {
  Conditional c;
  c.cardinality = cardinality;
  std::size_t rows = 1;
  for (const std::size_t p : parents) {
    c.sizes.push_back(m.cardinality(p));
    rows *= static_cast<std::size_t>(m.cardinality(p));
  }
  c.parents = std::move(parents);
  for (std::size_t r = 0; r < rows; ++r) {
    std::vector<double> w;
    double sum = 0;
    for (int k = 0; k < cardinality; ++k) {
      // Now and then a hard zero; never a row of zeros.
      const double v = zeros && below(random, 12) == 0 && k > 0 ? 0.0 : std::pow(uniform(random), 2) + 1e-3;
      w.push_back(v);
      sum += v;
    }
    for (const double v : w) c.table.push_back(v / sum);
  }
  return c;
}

namespace {

/// Adds declarations one after the other, within a limit on the size of the joint.
class Builder {
public:
  Builder(Random& random, const Shape& shape) : random_(random), shape_(shape) {}

  [[nodiscard]] int room() const { return shape_.most_variables - static_cast<int>(model.nodes.size()); }

  void scalar() {
    const int k = cardinality();
    Node n;
    n.text = fmt::format("x{}", ++scalars_);
    const int style = below(random_, 4);
    if (style == 0) {
      n.values = Node::Values::labels;
      for (int v = 0; v < k; ++v) n.labels.push_back(fmt::format("v{}{}", scalars_, static_cast<char>('a' + v)));
    } else if (style == 1 && k == 2) {
      n.values = Node::Values::truths;
    }
    n.given = random_conditional(random_, model, some(latents_, 3), k);
    Block b;
    b.name = n.text;
    b.nodes = {add(std::move(n))};
    latents_.push_back(b.nodes[0]);
    model.blocks.push_back(std::move(b));
  }

  void plate(int size) {
    Block b;
    b.kind = Block::Kind::plate;
    b.name = "z";
    const Conditional c = random_conditional(random_, model, some(latents_, 2), 2);
    for (int i = 0; i < size; ++i) b.nodes.push_back(element(fmt::format("z[{}]", i + 1), c));
    remember(b);
  }

  void chain(int size) {
    Block b;
    b.kind = Block::Kind::chain;
    b.name = "c";
    links(b, "c[{}]", some(latents_, 1), 2, size, {});
    remember(b);
  }

  void stream(Block::Kind kind, int size) {
    const int k = std::max(2, cardinality());
    std::vector<std::string> labels;
    for (int v = 0; v < k; ++v) labels.push_back(fmt::format("w{}", static_cast<char>('a' + v)));
    Block b;
    b.kind = kind;
    b.name = kind == Block::Kind::hidden ? "h" : "emit";
    const std::vector<std::size_t> parents = some(latents_, 2, true);
    if (kind == Block::Kind::independent) {
      const Conditional c = random_conditional(random_, model, parents, k);
      for (int i = 0; i < size; ++i) b.nodes.push_back(element(fmt::format("emit[{}]", i + 1), c, labels));
    } else if (kind == Block::Kind::markov) {
      links(b, "emit[{}]", parents, k, size, labels);
    } else {
      Conditional step, emission;
      for (int i = 0; i < size; ++i) {
        std::vector<std::size_t> from = parents;
        if (i > 0) from.push_back(b.nodes[b.nodes.size() - 2]);
        if (i < 2) step = random_conditional(random_, model, from, 2);
        step.parents = from;
        b.nodes.push_back(element(fmt::format("h[{}]", i + 1), step));
        if (i == 0) emission = random_conditional(random_, model, {b.nodes.back()}, k);
        emission.parents = {b.nodes.back()};
        b.nodes.push_back(element(fmt::format("emit[{}]", i + 1), emission, labels));
      }
    }
    model.blocks.push_back(std::move(b));
  }

  RandomModel model;

private:
  int cardinality() { return below(random_, 3) == 0 && states_ * 3 <= shape_.most_states ? 3 : 2; }

  std::size_t add(Node n) {
    states_ *= n.given.cardinality;
    model.nodes.push_back(std::move(n));
    return model.nodes.size() - 1;
  }
  std::size_t element(const std::string& text, const Conditional& c, const std::vector<std::string>& labels = {}) {
    Node n;
    n.text = text;
    n.given = c;
    if (!labels.empty()) {
      n.values = Node::Values::labels;
      n.labels = labels;
    }
    return add(std::move(n));
  }
  /// A chain: the first element's own table, then one table for all that follow.
  void links(Block& b, const std::string& name, const std::vector<std::size_t>& parents, int cardinality, int size,
             const std::vector<std::string>& labels) {
    Conditional c;
    for (int i = 0; i < size; ++i) {
      std::vector<std::size_t> from = parents;
      if (i > 0) from.push_back(b.nodes.back());
      if (i < 2) c = random_conditional(random_, model, from, cardinality);
      c.parents = from;
      b.nodes.push_back(element(fmt::format(fmt::runtime(name), i + 1), c, labels));
    }
  }
  void remember(Block& b) {
    latents_.insert(latents_.end(), b.nodes.begin(), b.nodes.end());
    model.blocks.push_back(std::move(b));
  }
  /// A few of them, in order; at least one if `some_at_all`.
  std::vector<std::size_t> some(const std::vector<std::size_t>& from, std::size_t most, bool some_at_all = false) {
    std::vector<std::size_t> r;
    for (const std::size_t v : from)
      if (r.size() < most && below(random_, 3) == 0) r.push_back(v);
    if (r.empty() && some_at_all && !from.empty())
      r.push_back(from[static_cast<std::size_t>(below(random_, static_cast<int>(from.size())))]);
    return r;
  }

  Random& random_;
  Shape shape_;
  std::vector<std::size_t> latents_;  ///< what may be a parent
  double states_ = 1;
  int scalars_ = 0;
};

}  // namespace

RandomModel random_structure(Random& random, const Shape& shape) {
  Builder b(random, shape);
  // A stream keeps some room for itself.
  const bool stream = shape.stream || below(random, 3) == 0;
  const int tokens = stream ? 1 + below(random, 3) : 0;
  const Block::Kind kinds[] = {Block::Kind::independent, Block::Kind::markov, Block::Kind::hidden};
  const Block::Kind kind = shape.stream_kind.value_or(kinds[below(random, 3)]);
  const int reserved = kind == Block::Kind::hidden ? 2 * tokens : tokens;
  const int scalars = std::max(1, std::min(1 + below(random, 8), b.room() - reserved));
  for (int v = 0; v < scalars; ++v) b.scalar();
  if (b.room() - reserved >= 2 && below(random, 3) == 0)
    b.plate(2 + below(random, std::min(b.room() - reserved, 4) - 1));
  if (b.room() - reserved >= 2 && below(random, 3) == 0)
    b.chain(2 + below(random, std::min(b.room() - reserved, 4) - 1));
  while (b.model.nodes.size() < 2 || (b.room() > reserved && below(random, 3) == 0)) b.scalar();
  if (stream) b.stream(kind, tokens);
  return std::move(b.model);
}

RandomModel random_model(Random& random) {
  RandomModel m = random_structure(random);
  m.evidence = random_evidence(random, m, all_kinds());
  m.questions = random_questions(random, m);
  return m;
}

}  // namespace hearsay::reference
