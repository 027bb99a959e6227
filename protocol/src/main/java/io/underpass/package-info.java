/**
 * What every part of Underpass agrees on: the reasons why a connection runs plain, and the version.
 */
package io.underpass;
