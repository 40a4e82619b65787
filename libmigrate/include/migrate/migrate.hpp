// Everything an application needs.
#pragma once

#include "migrate/checkpoint_store.hpp"  // IWYU pragma: export
#include "migrate/error.hpp"             // IWYU pragma: export
#include "migrate/pipeline.hpp"          // IWYU pragma: export
#include "migrate/record.hpp"            // IWYU pragma: export
#include "migrate/registry.hpp"          // IWYU pragma: export
#include "migrate/report.hpp"            // IWYU pragma: export
#include "migrate/services.hpp"          // IWYU pragma: export
#include "migrate/sink.hpp"              // IWYU pragma: export
#include "migrate/source.hpp"            // IWYU pragma: export
#include "migrate/transformer.hpp"       // IWYU pragma: export
