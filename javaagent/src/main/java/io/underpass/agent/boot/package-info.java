/** The agent's start: the one place that knows all its parts, and puts them together. */
package io.underpass.agent.boot;
