package simulate_test

import (
	"flag"
	"regexp"
	"testing"

	"github.com/millrace/millrace/testing/internal/mutant"
)

var mutate = flag.Bool("mutate", false, "break what keeps results from being lost in each way that is listed, and ask whether the simulation notices")

// root is the module's, from this folder.
const root = "../.."

const (
	runs       = "runners/direct/checkpoint.go"
	givesUp    = "runners/direct/giveup.go"
	crossing   = "runners/direct/crossing.go"
	commits    = "internal/checkpoint/commit.go"
	opens      = "internal/checkpoint/store.go"
	barrier    = "internal/engine/barrier.go"
	exchange   = "internal/engine/exchange.go"
	tables     = "internal/engine/cells/table.go"
	windows    = "internal/engine/cells/windows.go"
	evicts     = "internal/engine/cells/evict.go"
	savedKeyed = "internal/engine/savedkeyed.go"
	forms      = "internal/engine/cells/form.go"
	saved      = "internal/engine/saved.go"
	panedPaged = "internal/engine/panedpaged.go"
)

func bug(name, file, old, replaced string) mutant.Bug {
	return mutant.Bug{Name: name, Changes: []mutant.Change{{File: file, Old: old, New: replaced}}}
}

// mutations are bugs that lose results, or double them, where a process does not live
// on. The simulation must notice each with three tenths of the seeds that are run before a
// change lands.
var mutations = []mutant.Bug{
	// The order of what is committed.
	bug("sinks commit before the checkpoint is durable", runs,
		"	err := c.store.Commit(m)\n",
		"	for _, s := range m.Sinks {\n		if err := c.node(s.Name).Spec.(engine.SinkSpec).Commit(c.run.ctx, s.Prepared); err != nil {\n			return err\n		}\n	}\n	err := c.store.Commit(m)\n"),
	bug("what a checkpoint prepared is not committed again", runs, "if !c.store.SinksCommitted() {", "if false {"),
	bug("it is noted that sinks have committed before they have", runs,
		"	if err := c.run.interleave(); err != nil {\n		return err\n	}\n",
		"	if err := c.store.NoteCommitted(m.ID); err != nil {\n		return err\n	}\n	if err := c.run.interleave(); err != nil {\n		return err\n	}\n"),
	bug("what a durable checkpoint has is aborted", givesUp,
		"c.owed[n] = append(c.owed[n], prepared...)\n	}\n	clear(c.carried)\n", "c.owed[n] = append(c.owed[n], prepared...)\n	}\n"),
	bug("what a sink owes is not committed with the next checkpoint", givesUp,
		"slices.Concat(c.owed[n], c.carried[n])", "slices.Clone(c.carried[n])"),
	bug("what sinks prepared for a checkpoint that failed is not in the next", givesUp,
		"!errors.Is(err, checkpoint.ErrInDoubt) {\n", "!errors.Is(err, checkpoint.ErrInDoubt) {\n		clear(c.carried)\n"),
	bug("what finished tasks had prepared is not in the checkpoint", crossing,
		"	t.part.Prepared = append(t.prepared, t.part.Prepared...)\n", ""),

	// The disk.
	bug("the manifest is not synced", commits, "manifestName), b, true)", "manifestName), b, false)"),
	bug("the names in a checkpoint are not synced", commits,
		"return &c, sealOf(b), s.sync(checkpointsName, dir)", "return &c, sealOf(b), nil"),
	bug("the name of a checkpoint is not synced", commits,
		"	if err == nil {\n		err = s.sync(checkpointsName)\n	}\n", ""),
	bug("the name of the checkpoint that a run goes on from is not synced", opens,
		"	if err := s.sync(checkpointsName); err != nil {\n		return err\n	}\n	for _, n := range leftovers", "	for _, n := range leftovers"),

	// Positions and barriers.
	bug("the position is that of the element before", "testing/simulate/stream.go",
		"r.stream.at(r.split, r.next) }", "r.stream.at(r.split, max(0, r.next-1)) }"),
	bug("the position is that of the element behind", "testing/simulate/stream.go",
		"r.stream.at(r.split, r.next) }", "r.stream.at(r.split, min(len(r.events), r.next+1)) }"),
	bug("splits that nobody reads yet are not in the checkpoint", runs, "append(left, x.unread[s]...)", "left"),
	bug("what comes behind a barrier is taken before the others have sent theirs", barrier,
		"	a.held = append(a.held, m)\n	return true\n", "	return false\n"),
	bug("what is folded before an exchange stays behind when the barrier goes", exchange,
		"barrier(id uint64) {\n	if l.before != nil {", "barrier(id uint64) {\n	if false {"),
	bug("a restored watermark is not sent once more", barrier, "	if out > model.MinTimestamp {\n", "	if false {\n"),

	// Processes that go on.
	bug("a run that failed does not let go of its directory", "runners/direct/run.go",
		"		err = errors.Join(err, r.saves.close(err))\n", "		if err == nil {\n			err = r.saves.close(nil)\n		}\n"),
	bug("values of an earlier version are read as those of the present one", forms,
		"e.read[src[0]](src[1:], values, i)", "e.read[len(e.read)-1](src[1:], values, i)"),
	bug("the schemas of earlier versions are forgotten", forms, "return e, schemas, nil", "return e, schemas[len(schemas)-1:], nil"),

	// Cells.
	bug("what changes while it is saved is saved as it became", tables,
		"		t.saveEntry(i)\n		t.marks[i] = t.cell.epoch", "		t.marks[i] = t.cell.epoch"),
	bug("keys that are let go of stay in the checkpoint", tables,
		"		next.gone = append(next.gone, s)\n", ""),
	bug("a window that is let go of before it is saved is not", windows,
		"	if d.frozen != 0 {\n		t.save(maxBudget)\n	}\n", ""),
	bug("what waits for a side input is not restored", "internal/engine/savedside.go", "		s.groups = append(s.groups, g)\n", ""),
	bug("side inputs are read by the task alone that saved them", "internal/engine/cells/taskcells.go", "	if !own && !t.kind.Alike {", "	if !own {"),
	bug("timers are not restored", savedKeyed, "g.rest(w).timers[c].set(set)", "_ = set"),
	bug("restored keys wait for no time", savedKeyed, "if w.wake[c] < never {", "if w.wake[c] < model.MinTimestamp {"),
	bug("restored windows of a key wait for no watermark", panedPaged, "if o.wake < never {", "if o.wake < model.MinTimestamp {"),
	bug("restored windows of all keys wait for no watermark", saved, "	g.pending.EachSaved(g.schedule)\n", ""),
	bug("how many panes a restored window has had is forgotten", saved, "o.panes, o.settled = w.Panes, w.Settled", "o.settled = w.Settled"),

	// Cells that leave memory.
	bug("cells leave memory while a checkpoint is under way", "internal/engine/cells/durable.go",
		"	d.at, d.unsettled = 0, true\n", "	d.at, d.unsettled = 0, false\n"),
	bug("that cells were let go of is forgotten as others leave memory", evicts,
		"Backing.Write(&d.next)", "Backing.Write(&Changes{puts: d.next.puts, bytes: d.next.bytes})"),
	bug("what has changed leaves memory unwritten", evicts, "	if p.marks[i]&^savedMark != 0 {\n", "	if p.marks[i] == 0 {\n"),
	bug("keys that are not in memory are due at the times of before", evicts, "	p.reindex(i, c)\n", ""),
}

// TestMutationsAreUpToDate finds every mutation's text in the source.
func TestMutationsAreUpToDate(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutations {
		if _, err := m.Patched(root); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if names[m.Name] {
			t.Errorf("there are two mutations called %q", m.Name)
		}
		names[m.Name] = true
	}
}

// TestMutationsAreNoticed compiles the simulation with each mutation in turn, and runs
// it until it fails. It takes minutes, and is run by -mutate.
func TestMutationsAreNoticed(t *testing.T) {
	if !*mutate {
		t.Skip("enable with: go test ./testing/simulate -mutate (takes minutes: it compiles the engine once for each mutation)")
	}
	for _, m := range mutations {
		t.Run(m.Name, func(t *testing.T) {
			bin, err := m.Compile(root, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			out, err := mutant.Run(bin, "-test.run=^TestSimulatedPipelines", "-seeds=3000", "-test.timeout=5m", "-test.failfast")
			if mutant.OutOfMemory(out) {
				t.Log("it took all memory")
				return
			}
			found := noticed.FindStringSubmatch(string(out))
			if err == nil || found == nil {
				t.Fatalf("the simulation has not noticed: %v\n%s", err, out[max(0, len(out)-2000):])
			}
			t.Logf("%s: %s", found[1], found[2])
		})
	}
}

// noticed is what a failed simulation says: of which pipeline, and how.
var noticed = regexp.MustCompile(`(?s)--- FAIL: \w+/(\w+).*?: (seed \d+: .*?simulate\.Replay\([^\n]*)`)
