/** The agent's start, its registration with the helper, and what it says if either fails. */
package io.underpass.agent.boot;
