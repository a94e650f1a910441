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

{{/* What makes pods for people's servers, and may do nothing else; they reach it by its name. */}}
{{- define "gateway" -}}
{{- $labels := include "labels" (dict "root" .root "component" .name) }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [list, create, delete]}
  # What those pods know each other by; it can read none.
  - {apiGroups: [""], resources: [secrets], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
subjects:
  - {kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .name }}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
spec:
  replicas: 1
  # Each counts what it made alone.
  strategy: {type: Recreate}
  selector:
    matchLabels: {{- $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- $labels | nindent 8 }}
    spec:
      {{- include "pod" . | nindent 6 }}
      serviceAccountName: {{ .name }}
      containers:
        - name: {{ .name }}
          image: {{ required "images.gateways is empty: dask.enabled and spark.enabled need the image of packages/gateways" .root.Values.images.gateways | quote }}
          {{- include "container" . | nindent 10 }}
          args: {{ toJson .args }}
          ports:
            {{- range .ports }}
            - {containerPort: {{ . }}}
            {{- end }}
          startupProbe: &health
            httpGet: {path: {{ .health }}, port: 8000}
            periodSeconds: 2
            failureThreshold: 150
            timeoutSeconds: 5
          readinessProbe: {<<: *health, failureThreshold: 3}
          livenessProbe: {<<: *health, periodSeconds: 30, failureThreshold: 4, timeoutSeconds: 20}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- $labels | nindent 4 }}
spec:
  selector: {{- $labels | nindent 4 }}
  ports:
    {{- range .ports }}
    - {name: p{{ . }}, port: {{ . }}}
    {{- end }}
{{- end }}
