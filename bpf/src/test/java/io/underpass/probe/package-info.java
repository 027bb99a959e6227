/** Tests that drive the probe's own bed, step by step. */
package io.underpass.probe;
