/**
 * The checklists of the five guides, line by line, each with the check that looks at it. S1 to S5 are the guides in their
 * order: Syntha's best practices and final remarks, the LlmAgent framework, MARSYS, Ceylon; the number is the line.
 */
import type { CheckId } from '../../src/configuration/index.ts'

export interface GuideLine {
  readonly line: string
  readonly asks: string
  readonly check: CheckId
}
export interface GuideChecklist {
  readonly title: string
  readonly lines: readonly GuideLine[]
}

const list = (title: string, ...rows: readonly (readonly [line: string, asks: string, check: CheckId])[]) => ({
  title,
  lines: rows.map(([line, asks, check]) => ({ line, asks, check })),
})

export const guideChecklists: readonly GuideChecklist[] = [
  list(
    'S1 Syntha, best practices: performance',
    ['S1:996', 'Enable indexing for production workloads', 'storage.indexes'],
    ['S1:997', 'Configure auto-cleanup to prevent memory leaks', 'cleanup.runs'],
    ['S1:998', 'Set appropriate TTL values for all data types', 'entries.ttl'],
    ['S1:999', 'Implement connection pooling for high throughput', 'storage.pool'],
    ['S1:1000', 'Use batch operations for bulk data changes', 'batches.used'],
    ['S1:1001', 'Configure proper cache strategies', 'answers.cached'],
  ),
  list(
    'S1 Syntha, best practices: security',
    ['S1:1004', 'Implement access control with subscribers', 'access.named'],
    ['S1:1005', 'Enable encryption for sensitive data', 'encryption.rest'],
    ['S1:1006', 'Set up comprehensive audit logging', 'audit.log'],
    ['S1:1007', 'Configure role-based agent permissions', 'roles.least'],
    ['S1:1008', 'Use TTL for security-sensitive data', 'sensitive.ttl'],
    ['S1:1009', 'Regular security reviews and updates', 'security.reviewed'],
  ),
  list(
    'S1 Syntha, best practices: reliability',
    ['S1:1012', 'Implement circuit breakers for external dependencies', 'calls.breakers'],
    ['S1:1013', 'Configure graceful degradation patterns', 'models.fallback'],
    ['S1:1014', 'Set up comprehensive error handling', 'errors.handled'],
    ['S1:1015', 'Implement retry logic with exponential backoff', 'calls.retried'],
    ['S1:1016', 'Configure health checks and monitoring', 'health.watched'],
    ['S1:1017', 'Set up alerting for critical failures', 'alerts.delivered'],
  ),
  list(
    'S1 Syntha, best practices: monitoring',
    ['S1:1020', 'Deploy health monitoring systems', 'health.good'],
    ['S1:1021', 'Configure performance metrics collection', 'metrics.read'],
    ['S1:1022', 'Set up log aggregation and analysis', 'logs.configured'],
    ['S1:1023', 'Configure alerting thresholds', 'alerts.delivered'],
    ['S1:1024', 'Implement distributed tracing', 'traces.stored'],
    ['S1:1025', 'Regular performance reviews', 'performance.reviewed'],
  ),
  list(
    'S1 Syntha, best practices: scalability',
    ['S1:1028', 'Design for horizontal scaling', 'storage.shared'],
    ['S1:1029', 'Implement proper load balancing', 'project.balancing'],
    ['S1:1030', 'Configure resource limits', 'memory.limited'],
    ['S1:1030', 'Configure quotas', 'context.bounded'],
    ['S1:1031', 'Plan for data partitioning if needed', 'storage.size'],
    ['S1:1032', 'Test under expected load conditions', 'load.tested'],
    ['S1:1033', 'Plan capacity growth strategies', 'capacity.planned'],
  ),
  list(
    'S2 Syntha, final remarks: mistakes to avoid',
    ['S2:575', "Don't share context between users", 'users.required'],
    ['S2:578', "Don't have overly permissive agents", 'roles.least'],
    ['S2:581', "Don't ignore tool call results", 'results.read'],
    ['S2:584', "Don't use both prompts and tools for the same context", 'prompts.once'],
    ['S2:588', "Don't forget to clean up", 'shutdown.graceful'],
  ),
  list(
    'S2 Syntha, final remarks: optimization',
    ['S2:625', 'Enable indexing for faster agent lookups', 'storage.indexes'],
    ['S2:626', 'Use appropriate TTL to prevent memory bloat', 'entries.ttl'],
    ['S2:627', 'Enable auto-cleanup for automatic maintenance', 'cleanup.runs'],
    ['S2:628', 'Use connection pooling for database backends', 'storage.pool'],
    ['S2:629', 'Batch operations when possible', 'batches.used'],
    ['S2:630', 'Monitor context size and clean up unused data', 'context.bounded'],
    ['S2:631', 'Use topics efficiently: avoid too many or too few', 'topics.used'],
  ),
  list(
    'S3 LlmAgent: code quality',
    ['S3:1360', 'Type hints throughout codebase', 'project.types'],
    ['S3:1361', 'Comprehensive error handling', 'errors.handled'],
    ['S3:1362', 'Input validation and sanitization', 'agents.inputs'],
    ['S3:1363', 'Structured logging implemented', 'logs.configured'],
    ['S3:1364', 'Code documentation complete', 'project.docs'],
  ),
  list(
    'S3 LlmAgent: testing',
    ['S3:1367', 'Unit tests with >90% coverage', 'project.coverage'],
    ['S3:1368', 'Integration tests for critical paths', 'project.integration'],
    ['S3:1369', 'Load testing completed', 'load.tested'],
    ['S3:1370', 'Error scenarios tested', 'project.failures'],
    ['S3:1371', 'Mock external dependencies', 'project.doubles'],
  ),
  list(
    'S3 LlmAgent: security',
    ['S3:1374', 'Input validation implemented', 'agents.inputs'],
    ['S3:1375', 'Rate limiting configured', 'rates.limited'],
    ['S3:1376', 'Secrets management in place', 'secrets.named'],
    ['S3:1377', 'Authentication/authorization implemented', 'server.guarded'],
    ['S3:1378', 'Security scan completed', 'project.scans'],
  ),
  list(
    'S3 LlmAgent: performance',
    ['S3:1381', 'Caching strategy implemented', 'answers.cached'],
    ['S3:1382', 'Connection pooling configured', 'storage.pool'],
    ['S3:1383', 'Batch processing where applicable', 'batches.used'],
    ['S3:1384', 'Performance benchmarks established', 'project.benchmarks'],
    ['S3:1385', 'Resource usage optimized', 'resources.watched'],
  ),
  list(
    'S3 LlmAgent: monitoring',
    ['S3:1388', 'Metrics collection implemented', 'metrics.read'],
    ['S3:1389', 'Health checks configured', 'health.watched'],
    ['S3:1390', 'Logging strategy in place', 'logs.configured'],
    ['S3:1391', 'Alerting rules defined', 'alerts.delivered'],
    ['S3:1392', 'Dashboard created', 'project.dashboard'],
  ),
  list(
    'S3 LlmAgent: deployment',
    ['S3:1395', 'Environment configuration externalized', 'configuration.external'],
    ['S3:1396', 'Graceful shutdown implemented', 'shutdown.graceful'],
    ['S3:1397', 'Container images built', 'project.image'],
    ['S3:1398', 'Infrastructure as code', 'project.infrastructure'],
    ['S3:1399', 'Rollback strategy defined', 'rollback.rehearsed'],
  ),
  list(
    'S4 MARSYS: security',
    ['S4:474', 'API Key Management: use environment variables or secret managers', 'secrets.named'],
    ['S4:475', 'Input Validation: validate all user inputs', 'agents.inputs'],
    ['S4:476', 'Rate Limiting: implement rate limits for API calls', 'rates.limited'],
    ['S4:477', 'Authentication: secure agent-to-agent communication', 'messages.signed'],
    ['S4:478', 'Audit Logging: log all sensitive operations', 'audit.log'],
    ['S4:479', 'Data Encryption: encrypt sensitive data at rest', 'encryption.rest'],
    ['S4:479', 'Data Encryption: encrypt sensitive data in transit', 'encryption.transit'],
    ['S4:480', 'Access Control: implement role-based access control', 'roles.least'],
    ['S4:481', 'Dependency Scanning: regular security audits of dependencies', 'project.scans'],
    ['S4:493', 'Rotate API keys, after 30 days', 'api-keys.current'],
  ),
  list(
    'S5 Ceylon: pitfalls',
    ['S5:287', 'Use synchronization primitives', 'writes.undisputed'],
    ['S5:288', 'Implement proper locking', 'writes.undisputed'],
    ['S5:289', 'Handle concurrent access', 'writes.undisputed'],
    ['S5:293', 'Clean up resources properly', 'shutdown.graceful'],
    ['S5:294', 'Implement context managers', 'shutdown.graceful'],
    ['S5:295', 'Monitor memory usage', 'resources.watched'],
    ['S5:299', 'Implement backpressure', 'mailboxes.bounded'],
    ['S5:300', 'Use flow control', 'mailboxes.bounded'],
    ['S5:301', 'Handle queue limits', 'mailboxes.bounded'],
    ['S5:305', 'Define error boundaries', 'errors.handled'],
    ['S5:306', 'Implement recovery strategies', 'calls.retried'],
    ['S5:307', 'Log error contexts', 'logs.configured'],
  ),
  list(
    'S5 Ceylon: design',
    ['S5:313', 'Single responsibility per agent', 'agents.single'],
    ['S5:314', 'Clear message contracts', 'messages.contracts'],
    ['S5:315', 'Proper state management', 'storage.durable'],
    ['S5:316', 'Error handling strategy', 'errors.handled'],
  ),
  list(
    'S5 Ceylon: implementation',
    ['S5:320', 'Immutable messages', 'messages.frozen'],
    ['S5:321', 'Resource cleanup', 'shutdown.graceful'],
    ['S5:322', 'Proper logging', 'logs.configured'],
    ['S5:323', 'Security measures', 'configuration.safe'],
  ),
  list(
    'S5 Ceylon: operation',
    ['S5:327', 'Monitoring setup', 'health.watched'],
    ['S5:328', 'Performance metrics', 'metrics.read'],
    ['S5:329', 'Error tracking', 'alerts.quiet'],
    ['S5:330', 'Resource monitoring', 'resources.watched'],
  ),
]
