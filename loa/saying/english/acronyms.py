def spelled(short, *, defined=False):
    return None
