#include "tests/dist/library.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "lang/parse/parse.h"
#include "lang/sema/declare.h"
#include "stdlib/embedded.h"

namespace hearsay::dist_test {

Library::Library() {
  for (const stdlib::File& f : stdlib::files()) add("stdlib/" + std::string(f.name), std::string(f.text));
}

void Library::add(const std::string& name, const std::string& text) {
  DiagnosticSink sink;
  const auto script = std::make_shared<const ast::Script>(parse_script(sources_, sources_.add(name, text), sink));
  scripts_.push_back(script);
  if (const auto errors = sink.take(); !errors.empty()) throw std::runtime_error(name + " does not parse");
  if (!declare_all(script, environment_)) throw std::runtime_error(name + " does not declare");
}

ast::ExprPtr Library::parse(const std::string& expression) const {
  DiagnosticSink sink;
  ast::ExprPtr e = parse_expression(sources_, sources_.add("application", expression), sink);
  if (const auto errors = sink.take(); !errors.empty()) throw std::runtime_error(expression + " does not parse");
  return e;
}

Distribution::Distribution(const Library& library, const std::string& application)
    : text_(application), module_(std::make_shared<ir::Module>()), lowerer_(library.environment(), module_) {
  const ast::ExprPtr e = library.parse(application);
  instance_ = lowerer_.distribution(*e);
  // Known arguments: whatever is wrong with them is found now, and nothing is left to be asked later.
  if (lowerer_.validity(instance_)) throw std::logic_error(application + " leaves a condition on known arguments");
  support_ = lowerer_.any_support(instance_);
  for (const Sym& s : instance_.arguments)
    for (std::size_t k = 0; k < s.known.value().size(); ++k) arguments_.push_back(s.known->at(k).as_real());

  // Three real places to put numbers into; nothing is known about them when lowering.
  std::vector<ir::ExprId> place;
  for (const char* name : {"x", "low", "high"}) {
    ir::Latent l;
    l.name = name;
    l.finite = false;
    l.low = -std::numeric_limits<double>::infinity();
    l.high = std::numeric_limits<double>::infinity();
    place.push_back(module_->load_latent(module_->add_latent(l), {}));
  }
  if (support_.kind == Support::Kind::reals || support_.kind == Support::Kind::integers) {
    const bool whole = support_.kind == Support::Kind::integers;
    logp_ = lowerer_.logp(instance_, lowerer_.scalar(whole ? module_->prim(Op::to_int, {place[0]}) : place[0]));
    if (has("cdf"))
      probability_ = lowerer_.interval_probability(instance_, lowerer_.scalar(place[1]), lowerer_.scalar(place[2]));
  }
  evaluator_ = std::make_unique<eval::ReferenceEvaluator>(*module_);
}

bool Distribution::has(const std::string& member) const {
  return std::any_of(instance_.decl->members.begin(), instance_.decl->members.end(),
                     [&](const ast::DistDecl::Member& m) { return m.name.text == member; });
}

double Distribution::logp(double x) {
  const std::vector<double> at{x, 0, 0};
  return evaluator_->value(logp_, {at, {}}).as_real();
}

double Distribution::logp_of_code(std::int64_t code) {
  Sym x = Lowerer::known(lowerer_.decode(support_, code));
  x.labels = support_.labels;
  x.known->labels = support_.labels;
  return logp_of(x);
}

double Distribution::logp_of(const Sym& outcome) {
  return lowerer_.materialise(lowerer_.scalar(lowerer_.logp(instance_, outcome))).value().at(0).as_real();
}

double Distribution::probability(double low, double high) {
  const std::vector<double> at{0, low, high};
  return evaluator_->value(probability_, {at, {}}).as_real();
}

Scalar Distribution::draw(rng::Stream& stream) {
  return lowerer_.sample(instance_, [&](std::string_view name, double argument) {
    if (name == "uniform") return stream.uniform();
    if (name == "normal") return stream.normal();
    if (name == "exponential") return stream.exponential();
    if (name == "gamma") return stream.gamma(argument);
    if (name == "poisson") return stream.poisson(argument);
    if (name == "von_mises") return stream.von_mises(argument);
    throw std::logic_error("no such random number: " + std::string(name));
  });
}

}  // namespace hearsay::dist_test
