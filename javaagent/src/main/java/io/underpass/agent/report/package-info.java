/**
 * What the agent tells of itself: lines on standard error, and the errors that the application did
 * not see. Depends on no other package of the agent but {@code jdk}.
 */
package io.underpass.agent.report;
