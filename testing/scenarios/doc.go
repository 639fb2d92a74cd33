// Package scenarios tells what windows, triggers and watermarks do, as stories: what
// arrives, how far the watermark gets, how much processing time passes, and which
// panes come of it. Its tests run the stories of testdata/scenarios, one file a topic, on the
// direct runner, with one task and with several, folding elements before the
// exchange and not; and those in docs/triggers.md.
//
// A story is a scenario, in the format of cockroachdb/datadriven:
//
//	# The minute is over when the watermark says so.
//	scenario
//	window fixed 1m
//	add 10s a b
//	watermark 1m
//	----
//	watermark 1m
//	  [0s, 1m) on-time #0 first last: a b
//
// # Settings
//
// First comes how the elements are grouped. What is left out is as in a
// model.WindowingStrategy.
//
//	window fixed 1m | fixed 1m offset 10s | sliding 10s every 2s |
//	       sliding 10s every 2s offset 1s | sessions 1m | global
//	trigger default | never | always | count(3) | processing-time(10s) |
//	        processing-time(10s, align 1m) | synchronized-processing-time |
//	        watermark(early count(1), late always) | repeatedly(...) |
//	        all(..., ...) | any(..., ...) | each(..., ...) | or-finally(..., ...)
//	lateness 1m
//	panes accumulating | discarding | retracting
//	timestamps earliest | latest
//	on-time always
//	closing always
//	may-finish
//	transform group | sum | count | max | join | left-join | cogroup
//	bounded
//
// A trigger is written as it prints itself. Bounded says that the input ends, as a
// file does. Three kinds of windows are not of package windowing, but what a user
// might write:
//
//	window sessions 1m touching     one ends as the other begins: they merge
//	window sessions 1m at-most 5m   do not merge to more than 5 m
//	window sessions by-value        the gap is the value of the element
//
// A line "then together", "then by-key" or "then by-value" begins a second grouping,
// of what the first emits: under one key, under the same keys, or under what was
// the value; "then dropped" one of what the first drops. The settings behind it are
// the second grouping's; if it has no window of its own, its elements stay in
// those that they come in. Where the second grouping is a join, the first is
// done to each side by itself.
//
// # Steps
//
//	add 10s a b k:5    elements a and b without a key, and 5 of key k, at 10 s
//	watermark 1m       nothing earlier than 1 m is still to come, but late elements
//	advance 10s        10 s of processing time pass
//	end                the input ends
//
// There may be two inputs, which a join joins and any other transform takes as one:
//
//	add left 10s k:a
//	add right 10s k:x
//	watermark left 1m  of that input alone
//	end right
//
// All times are since the Unix epoch, at which processing time begins, too.
//
// # What comes of it
//
// Each step that causes something is told with it: the panes of each key, with
// their window, timing and index; "retracts" in front of a timing says that the
// pane takes back what it said. A timestamp is told where it is not the last of
// the window. A drop is told with the window that would not take the element, and
// with why. What the second grouping does is behind "then".
//
// Panes of one step are in the order of keys. Of those of a key, the ones come
// first that take back what windows said that have since become part of others.
package scenarios
