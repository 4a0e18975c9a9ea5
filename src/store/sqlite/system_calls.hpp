// What the system refused to SQLite. SQLite keeps the errno of its last call, and that is not the
// cause where it tries a second way in (a journal that cannot be opened is opened for reading),
// takes a failed read for damage, or a failed lock for one that another process holds.
#pragma once

namespace peakward::store {

// From now on the calls of SQLite in this process are watched.
void watch_system_calls();

// Both are about this thread.
void forget_refused_call();
// errno of the first call that was refused since then; 0: none was.
int errno_of_refused_call();

}  // namespace peakward::store
