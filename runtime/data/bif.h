// Reads networks in the Bayesian Interchange Format (BIF 0.15), as the bnlearn repository distributes them.
//
// Blocks may come in any order. In `(a, b) p1, p2;` the states are those of the parents and the numbers those of the
// child; `default` fills the rows that are not written. `table` lists the numbers with the first variable of the
// heading (the child) slowest and the last parent fastest, as BIF defines it. Commas between items and the bar before
// the parents may be left out, as BIF allows. `property` entries and comments are skipped.
//
// A distribution must sum to 1 within 1e-4, because published files round to a few digits. If it is off by more than
// 1e-6 it is divided by its sum, with a warning (W0631); otherwise its numbers are exactly those of the file, so that
// 0.3333333 three times stays 0.3333333 three times, as in other programs.
#pragma once

#include <optional>
#include <string>

#include "lang/support/diagnostic.h"
#include "lang/support/source.h"
#include "runtime/data/bayes_net.h"

namespace hearsay::data {

/// Reads the network in `file` (already in `sources`). Errors and warnings go to `sink` with their places in that file:
/// E0603 and E0620 to W0631; after an error in one block the others are still read, up to 20 errors. No value when
/// there is any error.
[[nodiscard]] std::optional<BayesNet> parse_bif(FileId file, const SourceManager& sources, DiagnosticSink& sink);

/// Reads a file and adds its text to `sources`. `from` is the statement that asked for it: E0601 stands there.
[[nodiscard]] std::optional<BayesNet> read_bif(const std::string& path, SourceSpan from, SourceManager& sources,
                                               DiagnosticSink& sink);

}  // namespace hearsay::data
