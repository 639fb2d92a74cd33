// Package layering has the rules of what may import what in this module, and of
// what the pure core may do. It is run by its tests only.
//
// The rules work on source files alone, without building anything. Test files may
// do as they like.
package layering
