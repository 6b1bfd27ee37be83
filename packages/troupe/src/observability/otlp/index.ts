/** To a collector of OpenTelemetry. */
export { checkOtlp, type OtlpConfig, OtlpExporter } from './otlp-exporter.ts'
