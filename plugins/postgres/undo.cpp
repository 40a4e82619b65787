#include "sink.hpp"
namespace migrate::postgres {
UndoResult undo_chunk(PostgresSink&, Connection&, const std::string&) { return {}; }
std::vector<Finding> verify_operations(PostgresSink&, Connection&, std::span<Operation>) { return {}; }
std::vector<Finding> preview_operations(PostgresSink&, Connection&, std::span<Operation>) { return {}; }
}  // namespace migrate::postgres
