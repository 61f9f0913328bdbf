// Files in and out: texts, tables, Bayesian networks, exported values.
#pragma once

#include <functional>
#include <string>

#include "lang/sema/environment.h"
#include "lang/sema/sym.h"
#include "lang/support/diagnostic.h"
#include "runtime/data/bayes_net.h"
#include "runtime/data/value.h"
#include "runtime/session/posterior.h"

namespace hearsay {

/// A whole text file. Errors name the file and what the system says.
[[nodiscard]] Result<std::string> read_text(const std::string& path, SourceSpan from = {});

[[nodiscard]] Value to_value(const data::DataValue& v);
[[nodiscard]] std::string to_text(const Record& record);

/// A network as a model: one finite latent a variable, labelled by its states. Names that are no identifiers are mended
/// (other characters become `_`).
[[nodiscard]] ModelSource to_model(const data::BayesNet& net, SourceSpan from);

/// JSON or CSV by the file's ending. As CSV: a record of columns; an array of up to two dimensions; what is indexed by
/// labels; a summary; the draws of a sampled posterior as Stan writes them, of others the summary. Errors: E0710 where
/// the file cannot hold the value, and then nothing was written; E0602.
[[nodiscard]] Result<void> export_value(const Sym& value, const std::string& path, SourceSpan from,
                                        const std::function<Sym(const Posterior&)>& summary);

}  // namespace hearsay
