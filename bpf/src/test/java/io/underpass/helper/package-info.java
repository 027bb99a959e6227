/** The helper, for tests of other packages. */
package io.underpass.helper;
