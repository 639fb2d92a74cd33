package reference_test

const (
	aligned   = "internal/engine/aligned.go"
	edge      = "internal/engine/edge.go"
	evict     = "internal/engine/cells/evict.go"
	exchange  = "internal/engine/exchange.go"
	grouping  = "internal/engine/grouping.go"
	lift      = "internal/engine/lift.go"
	merge     = "internal/engine/merge.go"
	paned     = "internal/engine/paned.go"
	task      = "internal/engine/task.go"
	composite = "triggers/composite.go"
	counting  = "triggers/count.go"
	joining   = "triggers/triggers.go"
	watermark = "triggers/watermark.go"
)

// mutations are bugs that engines have had, or might have. Each is one that the
// comparison with the reference must notice.
var mutations = []mutation{
	// What travels between tasks.
	{"the watermark overtakes the batch that it comes with", []change{{task,
		"	if m.Batch != nil {\n		t.receiver.Receive",
		"	if m.Watermark > model.MinTimestamp && t.inPorts == nil && t.in.advance(m.Channel, m.Watermark) {\n		t.receiver.Advance(t.in.min)\n	}\n	if m.Batch != nil {\n		t.receiver.Receive"}}},
	{"a watermark goes without the batch that is not full yet", []change{{exchange,
		"	for task := range l.tasks {\n		l.send(task, watermark, false)",
		"	for task := range l.tasks {\n		l.post(task, Message{Watermark: watermark})"}}},
	{"the highest of the channels' watermarks counts", []change{{"internal/engine/watermark.go",
		"lo = min(lo, c)", "lo = max(lo, c)"}}},
	{"a key goes to the wrong task now and then", []change{{exchange,
		"o.rowFor(o.link.taskOf(hash))",
		"o.rowFor((o.link.taskOf(hash) + len(o.link.task.outbox)) % o.link.tasks)"}}},
	{"a full batch is not sent", []change{{exchange,
		"	if b != nil {\n		l.send(task, model.MinTimestamp, false)\n	}\n", ""}}},
	{"a retraction counts as an element", []change{{lift, "n = -1", "n = 1"}}},

	// Folding before the exchange.
	{"the lift folds late elements, too", []change{{lift, "if w.End <= l.op.task.out {", "if false {"}}},
	{"the lift keeps what ends right at the watermark", []change{{lift, "if o.window.End > watermark {", "if o.window.End >= watermark {"}}},
	{"the lift counts what it folds as one element", []change{{lift, "N: v.n,", "N: 1,"}}},

	// Windows that keys share.
	{"aligned: what comes right at the end is on time", []change{{aligned,
		"if s.End <= g.watermark {", "if s.End < g.watermark {"}}},
	{"aligned: a window that ends right at the watermark is still to fire", []change{{aligned,
		"case w.End > g.watermark:\n			kept", "case w.End >= g.watermark:\n			kept"}}},
	{"aligned: what comes right at the expiry is taken", []change{{aligned,
		"case g.strategy.Expiry(w) <= g.watermark:", "case g.strategy.Expiry(w) < g.watermark:"}}},
	{"aligned: drops are not counted", []change{{aligned, "g.op.Counts.Dropped += n", "g.op.Counts.Dropped += 0"}}},
	{"aligned: a slice goes with the first window that it is in", []change{{aligned,
		"range g.ending[w] {", "range g.slicesOf(w) {"}}},
	{"aligned: late panes are not counted on", []change{{aligned, "	c.Panes++\n", ""}}},
	{"aligned: an on-time pane is never the last", []change{{aligned, "Last: keep == nil", "Last: false"}}},
	{"aligned: discarding panes accumulate", []change{{aligned, "		values.accs.Free(i)\n		values.panes[i].Live = false\n", ""}}},
	{"aligned: windows that end together fire one", []change{{aligned,
		"g.due.add(w.End, w)\n		}", "g.due.add(w.End, w)\n			break\n		}"}}},

	// Windows of a key.
	{"what comes right at the expiry is taken", []change{{paned,
		"if g.strategy.Expiry(o.window) <= g.watermark { // nothing", "if g.strategy.Expiry(o.window) < g.watermark { // nothing"}}},
	{"what comes right at the end is on time", []change{{paned,
		"if o.window.End <= g.watermark {\n		g.op.Counts.Late", "if o.window.End < g.watermark {\n		g.op.Counts.Late"}}},
	{"a pane right at the end is early", []change{{paned,
		"case o.window.End > g.watermark:\n		pane.Timing", "case o.window.End >= g.watermark:\n		pane.Timing"}}},
	{"a window expires a tick late", []change{{paned,
		"o.next = g.strategy.Expiry(o.window)", "o.next = g.strategy.Expiry(o.window) + 1"}}},
	{"drops are not counted", []change{{paned,
		"g.op.Counts.Dropped += count\n		if !known", "if !known"}}},
	{"what is dropped is not handed on", []change{{edge, "				late(r, g.asked, g.watermark, reason)\n", "				_ = reason\n"}}},
	{"a window whose trigger has finished takes elements", []change{{paned,
		"if g.context(o).Cell().Finished {", "if g.context(o); false {"}}},
	{"a finished trigger is asked again", []change{{paned,
		"if !ctx.Cell().Finished && ctx.Trigger()", "if ctx.Trigger()"}}},
	{"pane numbers stand still", []change{{paned, "	o.panes++\n", "	o.panes = 1\n"}}},
	{"the on-time pane comes twice", []change{{paned,
		"case o.settled == 0 && (o.onTime || o.fresh == 0):", "case o.onTime || o.fresh == 0:"}}},
	{"the last pane comes though another said it was the last", []change{{paned,
		"g.strategy.Closing == model.FireAlways && !o.closed", "g.strategy.Closing == model.FireAlways"}}},
	{"no on-time pane without something new", []change{{paned,
		"onTime := g.strategy.OnTime == model.FireAlways && ", "onTime := false && "}}},
	{"discarding panes accumulate", []change{{paned,
		"		g.accs.Free(o.acc)\n		o.live = false\n", ""}}},
	{"accumulating panes discard", []change{{paned,
		"if g.strategy.Panes != model.Accumulating && g.strategy.Panes != model.Retracting {", "{"}}},
	{"nothing is taken back", []change{{paned,
		"	g.takeBack(o)\n", "	o.said = o.said[:0]\n"}}},
	{"a pane is taken back after the one that replaces it", []change{
		{paned, "	g.takeBack(o)\n", "	before := slices.Clone(o.said)\n	o.said = o.said[:0]\n"},
		{paned, "		g.accs.Free(o.acc)\n		o.live = false\n	}\n",
			"		g.accs.Free(o.acc)\n		o.live = false\n	}\n	now := o.said\n	o.said = before\n	g.takeBack(o)\n	o.said = now\n"}}},
	{"a pane of what was all taken back is emitted", []change{{paned, "case o.net > 0:", "default:"}}},
	{"a retraction is numbered as the pane that it precedes", []change{{paned,
		"g.meta.Pane.Retraction = true", "g.meta.Pane.Retraction = true\n		g.meta.Pane.Index = o.panes - 1"}}},
	{"what merged windows said is let go of before it is taken back", []change{{paned,
		"at = min(at, g.strategy.Expiry(s.meta.Window)-1)", ""}}},
	{"what merged windows said is never said again where nothing new came", []change{{paned,
		"return o.fresh > 0 || len(o.said) > 0 && o.saidAsOthers()", "return o.fresh > 0"}}},
	{"a dropped element that merges windows leaves their wakeups", []change{{paned,
		"		g.queue(k, o) // it may have merged\n", ""}}},
	{"a dropped element that merges windows lets go of what they hold", []change{{paned,
		"			g.keepHold(k, o)\n		}\n		return nil, model.TriggerFinished", "		}\n		return nil, model.TriggerFinished"}}},
	{"the earliest timestamp is the first that came", []change{{paned,
		"g.strategy.Timestamps == model.Earliest && at < o.at", "false"}}},

	// Time.
	{"nothing holds the watermark", []change{{grouping, "return g.panedOp.hold()", "return model.MaxTimestamp"}}},
	{"the watermark is held when all is said", []change{{paned,
		"	if o.onTime {\n		at = g.timestamp(o)", "	{\n		at = g.timestamp(o)"}}},
	{"the watermark is let go once it has passed what is held", []change{{paned,
		"	if o.onTime {\n		at = g.timestamp(o)", "	if o.onTime && g.timestamp(o) >= g.watermark {\n		at = g.timestamp(o)"}}},
	{"what is behind the watermark counts for the timestamp of what came in time", []change{{paned,
		"	if at >= g.watermark {\n		g.stamp(o, at)", "	{\n		g.stamp(o, at)"}}},
	{"a pane has the timestamp of the one before", []change{{paned,
		"o.fresh, o.onTime, o.at = 0, false, never", "o.fresh, o.onTime = 0, false"}}},
	{"the timestamp of a window that merges is lost", []change{{"internal/engine/merge.go",
		"	if o.at < never {\n		g.stamp(n, o.at)\n	}\n", ""}}},
	{"windows see the watermark where it goes, not where it is", []change{{paned,
		"g.watermark = max(g.watermark, min(due.at, watermark))", "g.watermark = watermark"}}},
	{"windows see processing time where it goes, not where it is", []change{{paned,
		"g.now = max(g.now, due.at)", "g.now = now"}}},
	{"nobody asks to be told the processing time", []change{{grouping,
		"return min(g.panedOp.dueNow.next(), g.panedOp.keys.NextDue(cells.ProcessingTime))", "return model.MaxTimestamp"}}},
	{"the processing time of keys that are not in memory is not asked for", []change{{grouping,
		"return min(g.panedOp.dueNow.next(), g.panedOp.keys.NextDue(cells.ProcessingTime))", "return g.panedOp.dueNow.next()"}}},
	{"keys that are not in memory do not hold the watermark", []change{{"internal/engine/panedpaged.go",
		"return min(g.queuedHold(), g.keys.NextDue(cells.Held))", "return g.queuedHold()"}}},
	{"a key that changed is evicted without being written", []change{{evict,
		"	if p.marks[i]&^savedMark != 0 {\n", "	if p.marks[i]&^savedMark != 0 && p.marks[i]&savedMark == 0 {\n"}}},
	{"what a key was due at stays in the index", []change{{"internal/engine/cells/dueindex.go",
		"		if was < Never {\n			c.gone = append(c.gone, p.dueKey(c, what, was, i))\n		}\n", ""}}},
	{"a key that was deleted is read again", []change{{"internal/engine/cells/paged.go",
		"err == nil && !p.isGone(p.hash(i), p.key[head:]) {", "err == nil && head > 0 {"}}},
	{"keys that are not in memory are not looked at", []change{{"internal/engine/panedpaged.go",
		"	g.keys.Recall(clock, queued, now)\n", "	_ = queued\n"}}},
	{"processing time wakes nobody", []change{{paned,
		"g.dueNow.push(wakeup{at, k, o.window})", ""}}},

	// Windows that merge.
	{"sessions that touch are one", []change{
		{"windowing/sessions.go", "windows[j].Start < span.End", "windows[j].Start <= span.End"},
		{merge, "bounds[lo-1].Overlaps(bounds[i])", "bounds[lo-1].End >= bounds[i].Start"},
		{merge, "bounds[hi].Overlaps(bounds[i])", "bounds[hi].Start <= bounds[i].End"}}},
	{"a session merges with one neighbour only", []change{{merge,
		"for hi = i + 1; hi < len(bounds) &&", "for hi = i + 1; lo == i && hi < len(bounds) &&"}}},
	{"whether an element is dropped is decided before merging", []change{{paned,
		"	i := g.place(k, w)\n",
		"	if g.strategy.Expiry(w) <= g.watermark {\n		if !known {\n			g.keys.Remove(k)\n		}\n		g.op.Counts.Dropped += max(n, -n)\n		return nil, model.WindowExpired\n	}\n	i := g.place(k, w)\n"}}},
	{"a window that merged loses its wakeups", []change{{paned,
		"if *at != due.at || !covers(o.window, due.window) {", "if *at != due.at || o.window != due.window {"}}},
	{"a window that merged loses its hold", []change{
		{paned, "return o.held == t && covers(o.window, w)", "return o.held == t && o.window == w"},
		{paned, "o.queuedHold == h.at && covers(o.window, h.window)", "o.queuedHold == h.at && o.window == h.window"}}},
	{"a window whose hold has risen is not queued anew", []change{{paned,
		"		g.holdLater(h.wakeup())\n", ""}}},
	{"a window that grows forgets what its trigger remembers", []change{{merge,
		"		g.mergeCells(o, g.remembered)\n", ""}}},
	{"a window that joins another forgets what its trigger remembers", []change{{merge,
		"		g.mergeCells(n, g.windows.remembered(o))\n", ""}}},
	{"a window that nothing has fallen into has a say when windows merge", []change{{merge,
		"func (o *openWindow) seen() bool { return o.wake < never }", "func (o *openWindow) seen() bool { return true }"}}},
	{"what a window said is not taken back when it joins another", []change{{merge,
		"	n.said = append(n.said, o.said...)\n", ""}}},
	{"what a window holds is lost when it joins another", []change{{merge,
		"		g.accs.Merge(n.acc, o.acc)\n", ""}}},
	{"what is unsaid is said to be old when windows merge", []change{{merge, "	n.fresh += o.fresh\n", ""}}},
	{"what is on time is late when windows merge", []change{{merge,
		"	n.onTime = n.onTime || o.onTime || o.fresh > 0 && n.window.End > g.watermark\n", ""}}},
	{"the panes of a window that grows are counted on", []change{{merge,
		"	o.window, o.closed, o.changed = target, false, true\n	if o.panes > 0 {\n		o.panes, o.settled = 0, 0\n	}\n", "	o.window, o.changed = target, true\n"}}},

	// Triggers.
	{"a merged count starts from nothing", []change{{counting, "		c.Cell().Count += from[0].Count\n", ""}}},
	{"of merged windows, the one that is furthest on counts", []change{{composite,
		"		if !was[0].Finished {\n			s.Reset()\n		}\n", "		if !was[0].Finished && cell.Count > max(from[0].Count, 1) {\n			return\n		}\n"}}},
	{"a composite that finished by the end of a window stays so in one that grows", []change{{joining,
		"was.At&byEnd != 0 && c.Watermark < c.Window.End {", "false {"}}},
	{"a composite that finished before the end of a window goes on in one that grows", []change{{joining,
		"	if !c.FiresBeforeEnd() {", "	{"}}},
	{"a part whose turn is over has it no more in a window that grows", []change{{composite,
		"t[i].OnMerge(s, was); !s.Cell().Finished {", "t[i].OnMerge(s, was); !was[0].Finished {"}}},
	{"a window that grew past the watermark is late still", []change{{watermark,
		"if fired && c.Watermark >= c.Window.End {", "if fired {"}}},
	{"repeatedly does not start over", []change{{composite,
		"	if s.Cell().Finished {\n		s.Reset()\n	}\n", "	s.Cell().Finished = false\n"}}},
	{"the on-time pane does not end the early ones", []change{{watermark,
		"		cell.Count = 1\n		cell.Finished = t.Late == nil\n		if a != nil {", "		if a != nil {"}}},
}
