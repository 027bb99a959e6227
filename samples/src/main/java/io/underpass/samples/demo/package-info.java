/**
 * The demo: an unmodified web server and an unmodified client, without and with Underpass, every
 * byte checked.
 */
package io.underpass.samples.demo;
