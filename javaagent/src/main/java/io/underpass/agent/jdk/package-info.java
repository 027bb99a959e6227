/**
 * What the agent uses of the JDK that is not public: packages that are opened to it, and the calls
 * that are looked up in them. Depends on no other package of the agent.
 */
package io.underpass.agent.jdk;
