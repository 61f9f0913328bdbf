#include "tests/reference/random_model.h"

#include <algorithm>

namespace hearsay::reference {

bool Event::holds(const State& state) const {
  switch (kind) {
    case Kind::atom:
      return state[variable] == value;
    case Kind::member:
      return std::ranges::find(values, state[variable]) != values.end();
    case Kind::negation:
      return !parts[0].holds(state);
    case Kind::conjunction:
      return parts[0].holds(state) && parts[1].holds(state);
    case Kind::disjunction:
      return parts[0].holds(state) || parts[1].holds(state);
  }
  return false;
}

Event is(std::size_t variable, int value) {
  Event e;
  e.variable = variable;
  e.value = value;
  return e;
}

Event both(Event a, Event b) {
  Event e;
  e.kind = Event::Kind::conjunction;
  e.parts = {std::move(a), std::move(b)};
  return e;
}

Event negation(Event a) {
  Event e;
  e.kind = Event::Kind::negation;
  e.parts = {std::move(a)};
  return e;
}

double Conditional::probability(const State& state, int value) const {
  std::size_t row = 0;
  for (std::size_t p = 0; p < parents.size(); ++p)
    row = row * static_cast<std::size_t>(sizes[p]) + static_cast<std::size_t>(state[parents[p]]);
  return at(row, value);
}

std::vector<std::size_t> RandomModel::tokens() const {
  std::vector<std::size_t> found;
  for (std::size_t v = 0; v < nodes.size(); ++v)
    if (nodes[v].text.starts_with("emit[")) found.push_back(v);
  return found;
}

}  // namespace hearsay::reference
