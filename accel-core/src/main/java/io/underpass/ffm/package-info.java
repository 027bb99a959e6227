/**
 * Bindings to libbpf and to the few libc calls that the helper needs: the only package that imports
 * {@code java.lang.foreign}, and {@link io.underpass.ffm.Layouts} in it the only place that knows a
 * shared struct's layout.
 */
package io.underpass.ffm;
