/** Export to an OpenTelemetry collector. */
export { checkOtlp, type OtlpConfig, OtlpExporter } from './otlp-exporter.ts'
