{{/* Labels by which hub, policies and operators find what belongs to the platform. */}}
{{- define "labels" -}}
io.jhub-docker.platform: {{ .root.Values.platform }}
io.jhub-docker.component: {{ .component }}
{{- end }}

{{/* What holds for hub and proxy: no root, nothing to gain, nothing to write to. */}}
{{- define "pod" -}}
securityContext:
  runAsUser: 990
  runAsGroup: 990
  runAsNonRoot: true
  fsGroup: 990
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .root.Values.hostAliases }}
hostAliases: {{ toJson . }}
{{- end }}
{{- with .own.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .own.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- end }}

{{- define "container" -}}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{ toJson .own.resources }}
{{- end }}

{{- define "secret" -}}
{{ .Values.secrets.existing | default "jhub-docker" }}
{{- end }}

{{- define "base" -}}
{{ get .Values.settings "JHUB_BASE_URL" | default "/" }}
{{- end }}

{{/* The way to where names are asked for. */}}
{{- define "names" -}}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ .Values.network.dns.namespace }}}
      podSelector:
        matchLabels: {{ toJson .Values.network.dns.labels }}
    {{- range .Values.network.dns.addresses }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end }}

{{/* Names, and all that is no private network. */}}
{{- define "outside" -}}
{{ include "names" . }}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{ toJson .Values.network.blocked }}
{{- range .Values.network.allowed }}
- to: [{ipBlock: {cidr: {{ .cidr }}}}]
  {{- with .port }}
  ports: [{port: {{ . }}, protocol: TCP}, {port: {{ . }}, protocol: UDP}]
  {{- end }}
{{- end }}
{{- end }}

{{/* One rule of a policy: a part of the platform, and the ports it is reached at, or reaches. */}}
{{- define "peer" -}}
- {{ .way }}:
    - podSelector:
        matchLabels: {{- include "labels" . | nindent 10 }}
  ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
