/** Alert rules, their evaluation, and the recipients of alerts. */
export { type AlertRule, type AlertStatistic, checkRule, defaultRules } from './alert-rule.ts'
export { type Alert, type AlertSink, Alerts } from './alerts.ts'
export { createWebhook, type Webhook } from './webhook.ts'
