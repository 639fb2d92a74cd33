// Package dataflowpaper runs the pipelines of the Dataflow paper (Akidau et al., The
// Dataflow Model, VLDB 2015): the same ten numbers, in the order in which they
// arrive there, summed up in ways that differ in windows, triggers and panes alone.
//
// Its tests, one for each of figures 5 to 14, say which pane comes when, to the
// second, and hold docs/dataflow-paper.md to the pipelines and panes that they check.
package dataflowpaper
