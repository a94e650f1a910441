

def _behind_the_hub(context):
    """Where a browser finds the pages of a Spark in a person's server, whose ports it cannot reach."""
    said = _as_spark_says(context)
    if said and "JUPYTERHUB_SERVICE_PREFIX" in os.environ:
        return f"{os.environ['JUPYTERHUB_SERVICE_PREFIX']}proxy/{said.rpartition(':')[2]}/jobs/"
    return said


_as_spark_says = SparkContext.uiWebUrl.fget
SparkContext.uiWebUrl = property(_behind_the_hub, doc=SparkContext.uiWebUrl.__doc__)
