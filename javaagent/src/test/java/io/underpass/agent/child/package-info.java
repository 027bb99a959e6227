/** The programs that the tests run in JVMs of their own; none of them knows of the agent. */
package io.underpass.agent.child;
