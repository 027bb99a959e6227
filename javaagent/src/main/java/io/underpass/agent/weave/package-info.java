/** Which JDK methods are hooked, the advice for each, and the transformer that puts it there. */
package io.underpass.agent.weave;
