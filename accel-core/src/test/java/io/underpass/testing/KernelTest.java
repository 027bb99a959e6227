/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that needs root, libbpf and the kernel's BPF. Where one is missing it is skipped with the
 * reason; with {@code CI=true} in the environment that is a failure.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(KernelCondition.class)
public @interface KernelTest {}
