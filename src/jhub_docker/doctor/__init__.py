"""The doctor: what is wrong with a platform and its engine, under codes. To look changes nothing.

`examination` collects facts one after the other, by `hub_files` inside the hub's container, `tried`
in containers that are thrown away, and `outside` as people do; `judging` judges them and is pure.
`findings` has what each code means, by docs/doctor.md, `fixing` what is mended when asked to.
`bundle` packs what somebody else has to know, by `redaction` without secrets.
"""
