/** What tests of several modules share. */
package io.underpass.testing;
