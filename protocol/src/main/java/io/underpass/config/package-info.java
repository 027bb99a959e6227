/** The agent's settings and the places they come from. */
package io.underpass.config;
